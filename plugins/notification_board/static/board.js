// What the pages of the board do beyond HTML: follow Airflow's theme and language, stay fresh, and work by keyboard.
"use strict";
(() => {
  const page = document.documentElement;
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };

  // Airflow's UI keeps its colour mode under `theme`, as light, dark or system.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const theme = kept("theme");
    page.classList.toggle("dark", theme === "dark" || (theme !== "light" && system.matches));
  };
  paint();
  system.addEventListener("change", paint);

  // Its language is under `i18nextLng`; the server, which writes the pages, is told by a cookie.
  const ours = ["en", "fr", "es", "ar", "ru", "el", "de"];
  const speak = () => {
    const wanted = (kept("i18nextLng") || "").split("-")[0];
    if (!ours.includes(wanted) || wanted === page.lang) return;
    const root = new URL(document.body.dataset.root, location.href).pathname;
    document.cookie = `board_language=${wanted}; path=${root}; SameSite=Strict; max-age=31536000`;
    if (document.cookie.includes(`board_language=${wanted}`) && !document.querySelector("form[data-form]")) {
      location.reload();
    }
  };
  addEventListener("storage", (event) => {
    if (event.key === "theme") paint();
    if (event.key === "i18nextLng") speak();
  });

  // A frame may not navigate the window around it; a link of that window may.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-airflow]");
    if (!link || parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const outside = parent.document.createElement("a");
    outside.href = link.href;
    parent.document.body.append(outside);
    outside.click();
    outside.remove();
  });

  // One key for each thing that has one, unless something is being typed.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=radio]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]:not(:disabled)`);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
    if (wanted.dataset.then) document.getElementById(wanted.dataset.then).focus();
  });

  // Fresh without a reload: ask for the page again, and put its main part in place if it is another one.
  const EVERY = 15000;
  let tag = null;
  const busy = () => {
    const active = document.activeElement;
    const form = [...document.querySelectorAll("main input:not([type=hidden]), main textarea")];
    return form.some((field) => field.value !== field.defaultValue) || (active && active.closest("main form"));
  };
  const refresh = async () => {
    if (document.hidden || busy()) return;
    const fresh = document.getElementById("fresh");
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.status === 401 || answer.redirected) return location.reload();
      if (!answer.ok && answer.status !== 304) throw new Error(answer.statusText);
      fresh.textContent = fresh.dataset.well;
      if (answer.status === 304) return;
      const first = tag === null;
      tag = answer.headers.get("ETag");
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!next || busy()) return;
      const now = document.querySelector("main");
      if (first && next.innerHTML === now.innerHTML) return;
      const at = document.activeElement && document.activeElement.closest("main") ? focusable().indexOf(document.activeElement) : -1;
      const scrolled = [...now.querySelectorAll(".wide")].map((one) => one.scrollLeft);
      const open = [...now.querySelectorAll("details")].map((one) => one.open);
      now.replaceChildren(...next.childNodes);
      now.querySelectorAll(".wide").forEach((one, number) => (one.scrollLeft = scrolled[number] || 0));
      now.querySelectorAll("details").forEach((one, number) => (one.open = open[number] || false));
      if (at >= 0) (focusable()[at] || now).focus({ preventScroll: true });
    } catch {
      fresh.textContent = fresh.dataset.lost;
    }
  };
  const focusable = () => [...document.querySelectorAll("main a, main button, main summary, main [tabindex='0']")];

  addEventListener("DOMContentLoaded", () => {
    speak();
    if ("live" in document.body.dataset) {
      setInterval(refresh, EVERY);
      document.addEventListener("visibilitychange", refresh);
    }
    // A form that was sent is not sent twice by an impatient hand.
    document.addEventListener("submit", (event) => {
      if (event.target.dataset.sent) event.preventDefault();
      event.target.dataset.sent = "yes";
    });
    addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
    document.querySelector(".message[role=alert]")?.scrollIntoView();
    // Where keys do something, they do it from the start, in the frame as well.
    if (document.querySelector("main [data-key]")) document.getElementById("main").focus({ preventScroll: true });
  });
})();
