// Follows a run: asks for the parts of its page that change, until it is over.
(() => {
  const live = document.querySelector("[data-live-url]");
  if (!live) return;
  let failures = 0;

  const MOST_LINES = 500; // kept on the page while its reader is at the end of the log
  const linesOf = (part) => part.querySelector("[data-lines]");

  // The answer has the lines that are not here yet, or, when those are many, the last ones.
  const append = (lines, newer) => {
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    if ("whole" in newer.dataset) lines.replaceChildren(...newer.children);
    else lines.append(...newer.children);
    if (!atEnd) return;
    while (lines.children.length > MOST_LINES) lines.firstElementChild.remove();
    lines.scrollTop = lines.scrollHeight;
  };

  // A form differs in its token each time it is made, so its part says itself whether it changed.
  const content = (part) => part.dataset.version ?? part.innerHTML;

  // Only what differs is touched, so that focus, selection and what was unfolded stay.
  const refresh = (part, newer) => {
    const lines = linesOf(part);
    const newerLines = linesOf(newer);
    if (lines && newerLines) append(lines, newerLines);
    else if (content(part) !== content(newer)) part.replaceChildren(...newer.childNodes);
    if (newer.dataset.version) part.dataset.version = newer.dataset.version;
    part.hidden = newer.hidden;
  };

  const update = async () => {
    const last = linesOf(document)?.lastElementChild?.id.replace("line-", "") ?? "";
    const answer = await fetch(`${live.dataset.liveUrl}?after=${last}`, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const newer of page.querySelectorAll("[data-part]")) {
      const part = document.querySelector(`[data-part="${newer.dataset.part}"]`);
      if (part) refresh(part, newer);
    }
    live.dataset.again = page.querySelector("[data-again]").dataset.again;
  };

  const follow = async () => {
    try {
      if (!document.hidden) await update();
      failures = 0;
    } catch {
      failures += 1; // signed out, or no network: ask less and less often, then leave it
    }
    schedule();
  };

  const schedule = () => {
    const again = Number(live.dataset.again);
    if (again > 0 && failures < 10) setTimeout(follow, again * 2 ** failures);
  };

  const shown = linesOf(document);
  if (shown) shown.scrollTop = shown.scrollHeight;
  schedule();
})();
