/** What every page does: deeds, live parts, hand-offs to a phone, and a television's remote. */

import { bindCounts } from "./counts.js";
import { bindForms } from "./forms.js";
import { bindLive } from "./live.js";
import { bindOffline } from "./offline.js";
import { bindRemote } from "./remote.js";

bindForms();
bindLive();
bindRemote();
bindOffline();
bindCounts();

// a page that was brought into another (enter.js) has no document of its own to come back to
let { pathname } = location;
document.addEventListener("entered", () => { ({ pathname } = location); });
addEventListener("popstate", () => location.pathname === pathname || location.reload());

// few pages of few people come to it: it is loaded when it is asked for
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-handoff]");
  if (button) (await import("./handoff.js")).begin(button);
});
