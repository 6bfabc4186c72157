// Pages that are opened as files may start no worker, and the search of the site is one. This runs its script in a hidden
// frame instead: what is posted to one side arrives at the other as a message, later, as with a worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = (data) => tell(this, data);
      this.inside.importScripts = (...urls) => Promise.all(urls.map((each) => load(this.inside, each)));
      this.ready = load(this.inside, url);
    }

    postMessage(data) {
      this.ready.then(() => tell(this.inside, data));
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };

  function tell(target, data) {
    setTimeout(() => {
      const event = new MessageEvent("message", { data });
      target.dispatchEvent(event);
      if (target instanceof EventTarget && !(target instanceof Window)) target.onmessage?.(event);
    });
  }

  function load(inside, url) {
    return new Promise((resolve, reject) => {
      const script = inside.document.createElement("script");
      script.src = new URL(url, location.href);
      script.onload = resolve;
      script.onerror = reject;
      inside.document.documentElement.append(script);
    });
  }
}
