// Takes away the ways to the network that pages know beside requests, and other windows.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport', 'EventSource',
                    'SharedWorker']) {
    try { delete window[name]; } catch (error) { window[name] = undefined; }
}
try { navigator.sendBeacon = () => true; } catch (error) { /* it stays, and is not answered */ }
window.open = (url) => {
    const note = (to) => {
        try { window.opensNianbao = new URL(to, location.href).href; } catch (error) { /* no address */ }
    };
    if (url) note(url);
    const place = {
        set href(to) { note(to); }, get href() { return 'about:blank'; }, assign: note, replace: note,
    };
    return {
        closed: false, close() {}, focus() {}, opener: null,
        get location() { return place; }, set location(to) { note(to); },
    };
};
