// The door: a PIN, typed or tapped.
import { WORDS, choose, fill, language } from "./words.js";

const form = document.getElementById("door");
const pin = document.getElementById("pin");
const said = document.getElementById("said");
let code = "en";

function show() {
  const words = WORDS[code];
  document.documentElement.lang = code;
  document.getElementById("pin-label").textContent = words.pin;
  document.getElementById("enter").textContent = words.enter;
  const other = document.getElementById("language");
  other.textContent = words.other;
  other.lang = words.otherLang;
}

for (const digit of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0"]) {
  const key = document.createElement("button");
  key.type = "button";
  key.tabIndex = -1;
  key.textContent = digit;
  key.addEventListener("click", () => {
    pin.value = digit === "⌫" ? pin.value.slice(0, -1) : (pin.value + digit).slice(0, 12);
    pin.focus();
  });
  document.getElementById("keys").append(key);
}

document.getElementById("language").addEventListener("click", () => {
  code = WORDS[code].otherLang;
  choose(code);
  show();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = WORDS[code];
  try {
    const reply = await fetch("/api/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ pin: pin.value }),
    });
    if (reply.ok) {
      location.assign("/");
      return;
    }
    said.textContent = reply.status === 429 ? fill(words.locked, { s: reply.headers.get("retry-after") }) : words.wrong;
  } catch {
    said.textContent = words.unreachable;
  }
  pin.value = "";
  pin.focus();
});

code = await language();
show();
