// The till's door: a member and their PIN.
import { WORDS, choose, chosen, fill, post } from "./words.js";

const byId = (id) => document.getElementById(id);
const pin = byId("pin");
let code = "en";

function show() {
  const words = WORDS[code];
  document.documentElement.lang = code;
  document.title = `Vitrine · ${words.till}`;
  byId("title").textContent = words.till;
  byId("who").textContent = words.who;
  byId("nobody").textContent = words.nobody;
  byId("pin-label").textContent = words.pin;
  byId("enter").textContent = words.enter;
  byId("language").textContent = words.other;
  byId("language").lang = words.otherLang;
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

byId("language").addEventListener("click", () => {
  code = WORDS[code].otherLang;
  choose(code);
  show();
});

byId("door").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = WORDS[code];
  const account = new FormData(event.target).get("account_id");
  try {
    const { reply } = await post("sign-in", { account_id: account ?? "", pin: pin.value });
    if (reply.ok) {
      location.assign("/till");
      return;
    }
    byId("said").textContent = reply.status === 429 ? fill(words.locked, { s: reply.headers.get("retry-after") }) : words.wrong;
  } catch {
    byId("said").textContent = words.unreachable;
  }
  pin.value = "";
  pin.focus();
});

const known = await (await fetch("/till/api/members")).json();
code = chosen(known.language);
show();
showPeople(known.members);
pin.focus();
