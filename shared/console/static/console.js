// The console's own script: everything but liveness works without it. No eval, no inline handlers.
(function () {
  "use strict";

  // The server writes all times in the reader's time zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes("console_zone=" + zone)) {
    document.cookie = "console_zone=" + zone + "; path=/console; max-age=31536000; samesite=lax";
  }

  // A part that polls rests while its tab is hidden.
  document.addEventListener("htmx:confirm", function (event) {
    if (document.hidden && event.detail.triggeringEvent && event.detail.triggeringEvent.type !== "click") {
      event.preventDefault();
    }
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (button && navigator.clipboard) {
      navigator.clipboard.writeText(button.dataset.copy);
      const status = document.getElementById("status");
      if (status) {
        status.textContent = button.dataset.copied;
      }
    }
    const opener = event.target.closest("[data-toggles]");
    if (opener) {
      const open = document.body.classList.toggle(opener.dataset.toggles);
      opener.setAttribute("aria-expanded", String(open));
    }
  });

  // On a narrow screen a row is a card: each cell says what its column is.
  function label(table) {
    const names = Array.from(table.querySelectorAll("thead th"), function (one) { return one.textContent.trim(); });
    table.querySelectorAll("tbody tr").forEach(function (row) {
      Array.from(row.cells).forEach(function (cell, index) {
        if (index && names[index] && cell.textContent.trim() && !cell.querySelector(".only-narrow")) {
          cell.dataset.label = names[index];
        }
      });
    });
  }
  document.addEventListener("htmx:load", function (event) {
    const root = event.target;
    (root.matches("table.cards") ? [root] : root.querySelectorAll("table.cards")).forEach(label);
  });

  // A button that waits for a typed number says so; the server checks the number again.
  document.addEventListener("input", function (event) {
    const field = event.target.closest("[data-expects]");
    if (!field) {
      return;
    }
    const digits = function (text) { return text.replace(/[\s.,'\u00a0\u202f]/g, ""); };
    const fits = digits(field.value) === digits(field.dataset.expects);
    const button = field.form.querySelector("[data-waits]");
    button.setAttribute("aria-disabled", String(!fits));
  });
  document.addEventListener("submit", function (event) {
    const waiting = event.target.querySelector("[data-waits][aria-disabled=true]");
    if (waiting) {
      event.preventDefault();
      event.target.querySelector("[data-expects]").focus();
    }
  });

  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-auto]");
    if (form) {
      form.submit();
    }
  });
}());
