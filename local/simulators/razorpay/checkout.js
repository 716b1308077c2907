/* The simulated checkout: window.Razorpay with open, on and close, drawing its own modal. No money moves. */
(() => {
  "use strict";

  const base = new URL(document.currentScript.src).origin;

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; font: inherit; }
    .backdrop { position: fixed; inset: 0; z-index: 2147483000; display: grid; place-items: center; padding: 16px;
      overflow: auto; background: rgb(15 23 42 / .62); }
    .inline { display: grid; place-items: center; }
    .card { width: 100%; max-width: 408px; overflow: hidden; border-radius: 16px; background: #fff; color: #0f172a;
      font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
      box-shadow: 0 24px 64px rgb(15 23 42 / .32); }
    .inline .card { box-shadow: 0 1px 3px rgb(15 23 42 / .14), 0 12px 32px rgb(15 23 42 / .1); }
    header { position: relative; padding: 20px 24px 22px; background: var(--theme); color: #fff; }
    header p { margin: 0; }
    .merchant { padding-right: 40px; font-size: 15px; font-weight: 600; }
    .about { margin-top: 2px !important; font-size: 13px; opacity: .92; overflow-wrap: anywhere; }
    .amount { margin-top: 14px !important; font-size: 32px; font-weight: 700; line-height: 1.1; letter-spacing: -.01em; }
    .badge { display: inline-block; margin-left: 8px; padding: 3px 9px; border-radius: 999px; background: rgb(0 0 0 / .28);
      font-size: 12px; font-weight: 600; letter-spacing: .02em; vertical-align: 6px; }
    .close { position: absolute; top: 14px; right: 14px; width: 36px; height: 36px; padding: 0; border: 0;
      border-radius: 50%; background: transparent; color: inherit; font-size: 22px; line-height: 1; cursor: pointer; }
    .close:hover { background: rgb(0 0 0 / .18); }
    main { padding: 20px 24px 22px; }
    fieldset { margin: 0 0 16px; padding: 0; border: 0; }
    legend { margin-bottom: 8px; padding: 0; font-size: 13px; font-weight: 600; color: #475569; }
    .methods { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
    .method { display: flex; align-items: center; gap: 10px; padding: 11px 14px; border: 1.5px solid #cbd5e1;
      border-radius: 10px; font-weight: 600; cursor: pointer; }
    .method:has(:checked) { border-color: var(--theme); box-shadow: inset 0 0 0 1px var(--theme); }
    .method input { width: 16px; height: 16px; margin: 0; accent-color: var(--theme); }
    .field { display: block; margin-top: 12px; font-size: 13px; font-weight: 600; color: #475569; }
    .field input { display: block; width: 100%; margin-top: 4px; padding: 10px 12px; border: 1.5px solid #cbd5e1;
      border-radius: 10px; background: #fff; color: #0f172a; font-size: 15px; font-weight: 400; }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
    .hint { margin: 8px 0 0; font-size: 13px; color: #64748b; }
    button { cursor: pointer; }
    :focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
    button:disabled { cursor: progress; opacity: .6; }
    .pay { width: 100%; padding: 13px; border: 0; border-radius: 10px; background: var(--theme); color: #fff;
      font-size: 16px; font-weight: 700; }
    .pay:hover:not(:disabled) { filter: brightness(.93); }
    .simulate { margin-top: 18px; padding-top: 16px; border-top: 1px solid #e2e8f0; }
    .simulate p { margin: 0 0 8px; font-size: 13px; color: #64748b; }
    .simulate div { display: flex; flex-wrap: wrap; gap: 8px; }
    .other { flex: 1 0 auto; padding: 9px 8px; border: 1.5px solid #cbd5e1; border-radius: 10px; background: #fff; color: #334155;
      font-size: 13px; font-weight: 600; }
    .other:hover:not(:disabled) { background: #f1f5f9; }
    .message { margin: 0 0 16px; padding: 11px 14px; border-radius: 10px; background: #fef2f2; color: #991b1b;
      font-size: 14px; overflow-wrap: anywhere; }
    .message.good { background: #f0fdf4; color: #166534; }
    .message:empty, [hidden] { display: none !important; }
    .message:has(+ [hidden]) { margin: 0; }
    .card:focus { outline: none; }
  `;

  const CARD = `
    <style></style>
    <div part="frame">
      <section class="card" role="dialog" tabindex="-1" aria-labelledby="merchant" aria-describedby="about">
        <header>
          <p class="merchant" id="merchant"></p>
          <p class="about" id="about"></p>
          <p class="amount"><span data-amount></span><span class="badge">Test mode</span></p>
          <button class="close" type="button" data-action="close" aria-label="Close checkout">&times;</button>
        </header>
        <main>
          <p class="message" role="alert"></p>
          <form>
            <fieldset>
              <legend>Pay with</legend>
              <div class="methods">
                <label class="method"><input type="radio" name="method" value="upi" checked> UPI</label>
                <label class="method"><input type="radio" name="method" value="card"> Card</label>
              </div>
              <div data-panel="upi">
                <label class="field">UPI ID
                  <input name="vpa" value="success@razorpay" autocomplete="off" spellcheck="false"></label>
                <p class="hint">success@razorpay pays, failure@razorpay is declined.</p>
              </div>
              <div data-panel="card" hidden>
                <label class="field">Card number
                  <input name="number" value="4100 2800 0000 1007" inputmode="numeric" autocomplete="off"></label>
                <div class="pair">
                  <label class="field">Expires <input name="expiry" value="12 / 30" autocomplete="off"></label>
                  <label class="field">CVV <input name="cvv" value="123" inputmode="numeric" autocomplete="off"></label>
                </div>
                <p class="hint">A test card. Nothing typed here is sent anywhere.</p>
              </div>
            </fieldset>
            <button class="pay" data-action="success">Pay</button>
            <div class="simulate">
              <p>Or see what happens when it does not go well:</p>
              <div>
                <button class="other" type="button" data-action="fail">Fail</button>
                <button class="other" type="button" data-action="late">Bank answers late</button>
                <button class="other" type="button" data-action="close">Close</button>
              </div>
            </div>
          </form>
        </main>
      </section>
    </div>
  `;

  const rupees = (paise, currency) => {
    const digits = paise % 100 === 0 ? 0 : 2;
    const style = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat("en-IN", style).format(paise / 100);
  };

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  async function call(path, content) {
    const request = content && {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
    };
    const response = await fetch(base + path, request || undefined);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error ? answer.error.description : `The simulator answered ${response.status}.`);
    return answer;
  }

  function postForm(url, fields) {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: url, hidden: true });
    for (const [name, value] of Object.entries(fields)) {
      form.append(Object.assign(document.createElement("input"), { name, value }));
    }
    document.body.append(form);
    form.submit();
  }

  const flattened = (error) => Object.fromEntries(Object.entries(error).map(([name, value]) => [
    `error[${name}]`, value !== null && typeof value === "object" ? JSON.stringify(value) : value ?? "",
  ]));

  class Razorpay {
    constructor(options) {
      if (!options || !options.key) throw new Error("No key passed");
      if (!options.order_id && !options.subscription_id) throw new Error("No order_id or subscription_id passed");
      this.options = options;
      this.listeners = {};
    }

    static open(options) {
      const checkout = new Razorpay(options);
      checkout.open();
      return checkout;
    }

    on(event, callback) {
      (this.listeners[event] ||= []).push(callback);
      return this;
    }

    open() {
      if (this.host) return this;
      this.opener = document.activeElement;
      this.draw();
      this.load();
      if (this.options.timeout) this.timer = setTimeout(() => this.dismiss("timeout"), this.options.timeout * 1000);
      return this;
    }

    close() {
      if (!this.host) return;
      clearTimeout(this.timer);
      document.removeEventListener("keydown", this.onKey, true);
      this.host.remove();
      this.host = null;
      if (this.opener && this.opener.focus) this.opener.focus();
    }

    /* Not part of Razorpay: the pay page shows the card in its own text flow. */
    get inline() { return this.options.container || null; }
    get id() { return this.options.order_id || this.options.subscription_id; }

    draw() {
      this.host = document.createElement("div");
      this.host.id = "razorpay-checkout";
      this.root = this.host.attachShadow({ mode: "open" });
      this.root.innerHTML = CARD;
      this.root.querySelector("style").textContent = STYLE;
      const frame = this.root.querySelector("[part=frame]");
      frame.className = this.inline ? "inline" : "backdrop";
      frame.style.setProperty("--theme", (this.options.theme && this.options.theme.color) || "#1d4ed8");
      this.card = this.root.querySelector(".card");
      if (this.inline) this.card.setAttribute("role", "region");
      else this.card.setAttribute("aria-modal", "true");
      (this.inline || document.body).append(this.host);
      this.listen(frame);
      this.part("#merchant").textContent = this.options.name || "Payment";
      if (!this.inline) this.card.focus();
    }

    part(selector) { return this.root.querySelector(selector); }

    listen(frame) {
      this.part("form").addEventListener("submit", (event) => { event.preventDefault(); this.attempt("success"); });
      for (const button of this.root.querySelectorAll("button[type=button]")) {
        const action = button.dataset.action;
        button.addEventListener("click", () => (action === "close" ? this.leave() : this.attempt(action)));
        if (this.inline && action === "close") button.hidden = true;
      }
      for (const radio of this.root.querySelectorAll("[name=method]")) {
        radio.addEventListener("change", () => this.choose(radio.value));
      }
      const { prefill = {}, modal = {} } = this.options;
      if (prefill.method === "card") { this.part("[value=card]").checked = true; this.choose("card"); }
      if (this.inline) return;
      this.onKey = (event) => this.key(event);
      document.addEventListener("keydown", this.onKey, true);
      if (modal.backdropclose) frame.addEventListener("click", (event) => event.target === frame && this.leave());
    }

    choose(method) {
      for (const panel of this.root.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== method;
    }

    key(event) {
      const { modal = {} } = this.options;
      if (event.key === "Escape" && modal.escape !== false) this.leave();
      if (event.key === "Tab") this.keepFocus(event);
    }

    keepFocus(event) {
      const stops = [...this.root.querySelectorAll("button, input")].filter((one) => !one.disabled && one.offsetParent);
      const [first, last] = [stops[0], stops[stops.length - 1]];
      const at = this.root.activeElement;
      if (!at || at === this.card || at === (event.shiftKey ? first : last)) {
        event.preventDefault();
        (event.shiftKey ? last : first).focus();
      }
    }

    async load() {
      try {
        const bill = await call(`/checkout/${encodeURIComponent(this.id)}/bill?key_id=${encodeURIComponent(this.options.key)}`);
        if (!this.host) return;
        const shown = rupees(bill.amount, bill.currency);
        this.part("#merchant").textContent = this.options.name || "Payment";
        this.part("#about").textContent = this.options.description || bill.title;
        this.part("[data-amount]").textContent = shown;
        this.part(".pay").textContent = `Pay ${shown}`;
        if (bill.closed) this.shut(bill.closed, bill.paid);
      } catch (problem) {
        this.shut(problem.message);
      }
    }

    shut(why, good = false) {
      this.part("form").hidden = true;
      this.say(why, good);
    }

    say(text, good = false) {
      const message = this.part(".message");
      message.classList.toggle("good", good);
      message.textContent = text;
    }

    busy(on) {
      for (const button of this.root.querySelectorAll("form button:not([data-action=close])")) button.disabled = on;
    }

    async attempt(outcome) {
      this.busy(true);
      this.say("Waiting for the bank …", true);
      try {
        const answer = await call(`/checkout/${encodeURIComponent(this.id)}/pay`, this.wish(outcome));
        if (answer.error) this.failed(answer.error);
        else await this.succeeded(answer);
      } catch (problem) {
        this.busy(false);
        this.say(problem.message);
      }
    }

    wish(outcome) {
      const method = this.part("[name=method]:checked").value;
      const vpa = this.part("[name=vpa]").value.trim();
      const { key, prefill = {}, notes, description } = this.options;
      const declined = method === "upi" && vpa === "failure@razorpay" && outcome === "success";
      return {
        key_id: key, method, vpa, notes, description, outcome: declined ? "fail" : outcome,
        email: prefill.email, contact: prefill.contact,
      };
    }

    async succeeded(answer) {
      this.shut("Paid. Thank you!", true);
      await pause(500);
      const { handler, callback_url: callback } = this.options;
      this.close();
      if (callback && (this.options.redirect || !handler)) postForm(callback, answer);
      else if (handler) handler(answer);
    }

    failed(error) {
      this.busy(false);
      const late = error.reason === "payment_timed_out";
      this.say(late ? `${error.description} Here the bank will still say yes, half a minute from now.` : error.description);
      if (late) this.watch();
      const { callback_url: callback, redirect, retry } = this.options;
      for (const listener of this.listeners["payment.failed"] || []) listener({ error });
      if (callback && redirect) postForm(callback, flattened(error));
      else if (retry && retry.enabled === false) this.dismiss();
    }

    /* A late yes reaches the server, not this page: all it can do is stop asking for money. */
    async watch() {
      while (this.host) {
        await pause(2000);
        if (this.host) await this.load();
        if (!this.host || this.part("form").hidden) return;
      }
    }

    leave() {
      const { modal = {} } = this.options;
      if (modal.confirm_close && !window.confirm("Leave without paying?")) return;
      this.dismiss();
    }

    dismiss(reason) {
      if (!this.host) return;
      this.close();
      const { modal = {} } = this.options;
      if (modal.ondismiss) modal.ondismiss(reason);
    }
  }

  window.Razorpay = Razorpay;
})();
