// Follows a run: asks for the parts of its page that change, until it is over.
(() => {
  const live = document.querySelector("[data-live-url]");
  if (!live) return;
  let failures = 0;

  const append = (lines, newer) => {
    const known = new Set([...lines.children].map((line) => line.id));
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    lines.append(...[...newer.children].filter((line) => !known.has(line.id)));
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  };

  // A form differs in its token each time it is made, so its part says itself whether it changed.
  const content = (part) => part.dataset.version ?? part.innerHTML;

  // Only what differs is touched, so that focus, selection and what was unfolded stay.
  const refresh = (part, newer) => {
    const lines = part.querySelector("[data-lines]");
    const newerLines = newer.querySelector("[data-lines]");
    if (lines && newerLines) append(lines, newerLines);
    else if (content(part) !== content(newer)) part.replaceChildren(...newer.childNodes);
    if (newer.dataset.version) part.dataset.version = newer.dataset.version;
    part.hidden = newer.hidden;
  };

  const update = async () => {
    const answer = await fetch(live.dataset.liveUrl, { redirect: "error" });
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

  schedule();
})();
