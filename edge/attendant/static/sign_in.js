// The door of bench and till: a PIN, typed or tapped; at the till a member's name before it.
import { choose, fill, language } from "./words.js";

const isTill = location.pathname.startsWith("/till");
const { WORDS } = await import(isTill ? "/till/static/words.js" : "./words.js");
const byId = (id) => document.getElementById(id);
const pin = byId("pin");
let code = "en";

function show() {
  const words = WORDS[code];
  document.documentElement.lang = code;
  byId("pin-label").textContent = words.pin;
  byId("enter").textContent = words.enter;
  byId("language").textContent = words.other;
  byId("language").lang = words.otherLang;
  if (isTill) {
    document.title = `Vitrine · ${words.till}`;
    byId("title").textContent = words.till;
    byId("who").textContent = words.who;
    byId("nobody").textContent = words.nobody;
  }
}

function showPeople(members) {
  byId("nobody").hidden = members.length > 0;
  byId("people").hidden = members.length === 0;
  byId("enter").disabled = members.length === 0;
  members.forEach((member, place) => {
    const label = document.createElement("label");
    const choice = document.createElement("input");
    Object.assign(choice, { type: "radio", name: "account_id", value: member.account_id, checked: place === 0 });
    label.append(choice, document.createTextNode(member.name));
    byId("people").append(label);
  });
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
  byId("keys").append(key);
}

byId("language").addEventListener("click", () => {
  code = WORDS[code].otherLang;
  choose(code);
  show();
});

byId("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = WORDS[code];
  const who = isTill ? { account_id: new FormData(event.target).get("account_id") ?? "" } : {};
  try {
    const reply = await fetch(`${isTill ? "/till" : ""}/api/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...who, pin: pin.value }),
    });
    if (reply.ok) {
      location.assign(isTill ? "/till" : "/");
      return;
    }
    byId("said").textContent = reply.status === 429 ? fill(words.locked, { s: reply.headers.get("retry-after") }) : words.wrong;
  } catch {
    byId("said").textContent = words.unreachable;
  }
  pin.value = "";
  pin.focus();
});

code = await language();
show();
if (isTill) showPeople((await (await fetch("/till/api/members")).json()).members);
pin.focus();
