// Clicks what leads to the next page of a list, unless it is a link with an address; true if it did.
() => {
    const words = /^[[【（(<]?(?:(?:下|后)一?[页頁]|next(?:page)?|(?:点击)?(?:加载|查看|显示|展开)更多|loadmore|more|›|»|>|＞|→)[\]】）)]?[>›»＞]*$/i;
    const weak = /^(?:more|[›»>＞→])$/i;
    const off = /(?:^|[-_\s])(?:disabled?|nolink|forbid(?:den)?|unclick(?:able)?|nomore|no-more)(?:$|[-_\s])/i;
    const shows = /swiper|slick|carousel|banner|slide|focus|marquee|calendar|datepicker|picker/i;
    const pages = /pag(?:e|ing|ination|er)|fenye|flip|turn|laypage/i;
    const classes = (one) => (one.getAttribute && one.getAttribute('class')) || '';
    const around = (one, steps) => {
        const found = [];
        for (let i = 0; one && i <= steps; i++, one = one.parentElement) found.push(one);
        return found;
    };
    const leads = (one) => {
        const link = one.closest('a');
        const href = link && (link.getAttribute('href') || '').trim();
        return !!href && !/^(?:javascript:|#$|#[^/!])/i.test(href);
    };
    const usable = (one) =>
        !leads(one) && !one.closest('[disabled],[aria-disabled="true"],[hidden]') &&
        !around(one, 2).some((box) => off.test(classes(box))) &&
        !around(one, 4).some((box) => shows.test(classes(box) + ' ' + box.id)) &&
        !(one.querySelector && one.querySelector('[disabled]'));
    const inPager = (one) => around(one, 3).some((box) => pages.test(classes(box) + ' ' + box.id));
    const click = (one) => {
        while (one.children.length === 1 && !/^(?:svg|path)$/i.test(one.firstElementChild.tagName)) {
            one = one.firstElementChild;
        }
        one.click();
        return true;
    };
    const all = [...document.querySelectorAll('a,button,li,span,div,i,em,b,p,td,input')];
    const said = (one) => [one.children.length > 2 ? '' : one.textContent, one.getAttribute('title'),
        one.getAttribute('aria-label'), one.tagName === 'INPUT' ? one.value : '']
        .map((text) => (text || '').replace(/\s+/g, ''));
    let bound = false;
    for (const one of all) {
        const named = said(one).find((text) => text.length <= 12 && words.test(text));
        const marked = /(?:^|[-_\s])next(?:$|[-_\s])/i.test(classes(one)) && inPager(one);
        if (!marked && (!named || (weak.test(named) && !inPager(one)))) continue;
        if (leads(one)) return false;
        if (usable(one)) return click(one);
        bound = true;
    }
    if (bound) return false;
    const current = all.find((one) => /^\d+$/.test(one.textContent.trim()) && inPager(one) &&
        around(one, 1).some((box) => /(?:^|[-_\s])(?:active|current|curr?|on|selected|thisclass)(?:$|[-_\s])/i.test(classes(box))));
    if (current) {
        const number = String(Number(current.textContent.trim()) + 1);
        for (const box of around(current, 3).slice(1)) {
            const next = [...box.querySelectorAll('a,button,li,span,div')]
                .find((one) => one.textContent.trim() === number);
            if (next) return usable(next) ? click(next) : false;
        }
        return false;
    }
    const height = document.documentElement.scrollHeight;
    if (height <= window.innerHeight + window.scrollY + 4) return false;
    window.scrollTo(0, height);
    return true;
}
