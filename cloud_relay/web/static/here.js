/** Somebody began a group at the till with whom looks at this page: read it anew, so that it follows that group too. */

document.addEventListener("relay", (event) => {
  if (event.detail.kind === "on_site" && event.detail.data.group_id) location.reload();
});
