// Asks every few seconds whether the run has written something; what is open stays open, and the page where it was.
const key = d => d.querySelector("[id]")?.id || d.querySelector("summary").textContent.trim();
const main = document.querySelector("main");
let seen = null;
async function renew() {
  try {
    const answer = await fetch("/", { headers: seen ? { "If-None-Match": seen } : {}, cache: "no-store" });
    if (answer.status === 200) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = new Set([...main.querySelectorAll("details[open]")].map(key));
      const focus = document.activeElement?.closest?.("details");
      const focused = focus && main.contains(focus) ? key(focus) : null;
      if (seen !== null) for (const part of ["nav", "main"]) {
        document.querySelector(part).replaceChildren(...page.querySelector(part).childNodes);
      }
      for (const d of main.querySelectorAll("details")) {
        if (open.has(key(d))) d.open = true;
        if (focused && key(d) === focused) d.querySelector("summary").focus({ preventScroll: true });
      }
      seen = answer.headers.get("ETag");
    }
  } catch { /* the server is gone: what was last shown stays */ }
  setTimeout(renew, 3000);
}
renew();
