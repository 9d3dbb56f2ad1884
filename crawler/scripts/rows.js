// The rows of a list that are named like reports and are no links: only a script knows where they
// lead. Gives their titles; clicks the one numbered `click`, or writes down where they lead.
({click, addresses}) => {
    const named = /(?:19|20)\d{2}.*(?:报告|年报)|(?:报告|年报).*(?:19|20)\d{2}/;
    const leads = (one) => {
        const href = (one.getAttribute('href') || '').trim();
        return href && !/^(?:javascript:|#$|#[^/!])/i.test(href);
    };
    const said = (one) => (one.getAttribute('title') || one.textContent).replace(/\s+/g, ' ').trim();
    const rows = [];
    for (const one of document.querySelectorAll('li,div,span,p,td,dd,h3,h4,h5,a,button,em,strong')) {
        const title = said(one);
        if (title.length < 10 || title.length > 100 || !named.test(title)) continue;
        const links = [...one.querySelectorAll('a[href]')];
        for (let box = one; box; box = box.parentElement) if (box.matches('a[href]')) links.push(box);
        if (links.some(leads) || one.hasAttribute('onclick') && /['"]/.test(one.getAttribute('onclick'))) continue;
        if ([...one.children].some((part) => named.test(said(part)))) continue;
        rows.push(one);
    }
    if (click !== undefined && rows[click]) rows[click].click();
    for (const one of addresses ? rows : []) {
        const address = addresses[said(one)];
        if (address) one.setAttribute('data-href', address);
    }
    return rows.map(said);
}
