/* Search without a server. A page that was opened from a file may start no Worker, so there a hidden frame does the
   worker's work: it loads the same script, and each is told what the other posts. Elsewhere nothing is changed. */
"use strict";
if (location.protocol === "file:") {
  // As between threads: what is posted arrives as a copy, after whoever posted it has gone on.
  const later = (data, arrive) => {
    const copy = structuredClone(data);
    setTimeout(() => arrive(copy));
  };

  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = (data) => later(data, (copy) => this.tell("message", copy));
      const script = inner.document.createElement("script");
      this.loaded = new Promise((done) => script.addEventListener("load", done));
      script.addEventListener("error", () => this.tell("error"));
      script.src = new URL(url, document.baseURI);
      inner.document.body.append(script);
    }

    postMessage(data) {
      const inner = this.frame.contentWindow;
      this.loaded.then(() => later(data, (copy) => inner.dispatchEvent(new MessageEvent("message", { data: copy }))));
    }

    tell(name, data) {
      const event = new MessageEvent(name, { data, cancelable: true });
      this.dispatchEvent(event);
      this[`on${name}`]?.(event);
    }

    terminate() {
      this.frame.remove();
    }
  };
}
