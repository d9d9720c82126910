/** What every page does: deeds, live parts, hand-offs to a phone, and a television's remote. */

import { bindCounts } from "./counts.js";
import { bindForms } from "./forms.js";
import { bindHandoffs } from "./handoff.js";
import { bindLive } from "./live.js";
import { bindOffline } from "./offline.js";
import { bindRemote } from "./remote.js";

bindForms();
bindLive();
bindRemote();
bindHandoffs();
bindOffline();
bindCounts();
