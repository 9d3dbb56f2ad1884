"""ASP.NET pagers: the page's whole form is sent back with the name of what was clicked.

The state of the form is in hidden fields that every answer changes, so pages can only be asked for
one after the other, each with the fields of the one before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from lxml import html

from crawler.families.mechanism import Entry, FurtherRequest
from crawler.families.query import FORM_TYPE, form_fields
from crawler.page import Page, absolute

POSTBACK = re.compile(
    r"""(?:__doPostBack\s*\(\s*|WebForm_PostBackOptions\s*\(\s*)(?:\\?["']|&#39;)(?P<target>[^"'\\]*)(?:\\?["']|&#39;)"""
    r"""\s*(?:,\s*(?:\\?["']|&#39;)(?P<argument>[^"'\\]*))?"""
)
FOLLOWING = re.compile(r"下一?页|后一?页|下一页?>*|[>›»]|next(?:page)?", re.IGNORECASE)
MORE = re.compile(r"\.{2,}|…+")
HERE = re.compile(
    r"(?:当前|页次|第)[^\d]{0,8}(\d{1,4})\s*(?:/|页)|(?<![\d/.-])(\d{1,3})\s*/\s*\d{1,3}(?![\d/])"
)
# A field that servers leave alone unless pages are to open where they were scrolled to.
PLACE = "__SCROLLPOSITIONY"
STATE = ("__VIEWSTATE", "__EVENTTARGET", "__EVENTARGUMENT")


@dataclass(frozen=True, slots=True)
class Click:
    """A link or button of a pager: what it says, and what it sends."""

    label: str
    target: str
    argument: str


def signature(page: Page) -> bool:
    """Whether the page has a form that is sent back to turn pages."""
    return "__VIEWSTATE" in page.text and ("__doPostBack" in page.text or "下一页" in page.text)


def entries(page: Page) -> list[Entry]:
    """None of its own: the rows stand in the page as any list's do."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """The next page only: what it needs of the ones behind stands in its own answer."""
    for form in page.tree.iter("form"):
        fields = form_fields(form)
        if not any(name == "__VIEWSTATE" for name, _ in fields):
            continue
        url = absolute(page.base, form.get("action") or page.url)
        if url is None or urlsplit(url).netloc != urlsplit(page.url).netloc:
            continue
        clicked = _next(form, page)
        if clicked is not None:
            text = urlencode(_sent(fields, clicked, _number(form, page) + 1))
            headers = {"Referer": page.url, "Content-Type": FORM_TYPE}
            return [FurtherRequest(url, "POST", text, headers)]
    return []


def _next(form: html.HtmlElement, page: Page) -> Click | None:
    clicks = list(_clicks(form))
    for click in clicks:
        if FOLLOWING.fullmatch(click.label):
            return click
    wanted = _number(form, page) + 1
    for click in clicks:
        if click.label == str(wanted) or re.fullmatch(rf"(?:Page\$)?{wanted}", click.argument):
            return click
    # Page 11 stands behind … where ten are shown.
    return next((one for one in reversed(clicks) if MORE.fullmatch(one.label)), None) or _chosen(
        form, wanted
    )


def _clicks(form: html.HtmlElement) -> list[Click]:
    found: list[Click] = []
    for element in form.iter("a", "input", "button", "span", "td"):
        if element.get("disabled") is not None or "isabled" in (element.get("class") or ""):
            continue
        label = "".join(element.text_content().split())
        said = next(filter(None, (element.get(name) for name in ("title", "alt", "value"))), "")
        label = label or "".join(said.split())
        image = next(element.iter("img"), None)
        if not label and image is not None:
            label = (image.get("alt") or image.get("title") or "").strip()
        label = label.strip("[]【】")
        called = POSTBACK.search(f"{element.get('href') or ''} {element.get('onclick') or ''}")
        if called:
            found.append(Click(label, called["target"], called["argument"] or ""))
        elif element.get("name") and (element.get("type") or "").lower() == "submit":
            found.append(Click(label, "", f"{element.get('name')}={element.get('value') or ''}"))
        elif element.get("name") and (element.get("type") or "").lower() == "image":
            # A picture sends where it was clicked.
            found.append(Click(label, "", f"{element.get('name')}.x=1"))
    return found


def _chosen(form: html.HtmlElement, wanted: int) -> Click | None:
    """A select of page numbers that is sent when it is changed."""
    for select in form.iter("select"):
        called = POSTBACK.search(select.get("onchange") or "")
        values = [(one.get("value") or one.text_content()).strip() for one in select.iter("option")]
        if called and values[:2] in (["1", "2"], ["0", "1"]) and len(values) >= wanted:
            return Click("", called["target"], f"{select.get('name')}={values[wanted - 1]}")
    return None


def _number(form: html.HtmlElement, page: Page) -> int:
    """The number of the page at hand: as it was asked for, else as it says itself."""
    sent = dict(parse_qsl(page.sent))
    asked = re.search(r"(\d+)$", sent.get("__EVENTARGUMENT") or sent.get(PLACE, ""))
    if asked:
        return int(asked[1])
    said = HERE.search(" ".join(form.text_content().split()))
    return int(next(filter(None, said.groups()))) if said else 1


def _sent(fields: list[tuple[str, str]], clicked: Click, number: int) -> list[tuple[str, str]]:
    """The form as a browser sends it when something is clicked."""
    changed: dict[str, str] = {}
    if clicked.target:
        changed["__EVENTTARGET"] = clicked.target
        changed["__EVENTARGUMENT"] = clicked.argument
        # AspNetPager's own box for the number.
        if clicked.argument.isdigit():
            changed[f"{clicked.target}_input"] = clicked.argument
    if "=" in clicked.argument:
        name, _, value = clicked.argument.partition("=")
        changed[name] = value
        if clicked.target:
            changed["__EVENTARGUMENT"] = ""
    if not re.search(r"\d", clicked.argument):
        # 下一页 is the same click on every page: where it was clicked tells the requests apart.
        changed[PLACE] = str(number)
    names = [name for name, _ in fields]
    sent = [(name, changed.get(name, value)) for name, value in fields]
    for name, value in changed.items():
        wanted = name in STATE or not name.endswith("_input")
        if name not in names and wanted:
            sent.append((name, value))
    return sent
