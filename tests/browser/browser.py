# SPDX-License-Identifier: Apache-2.0
"""A Chromium without a window, driven over WebDriver's own protocol."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request

NETPOLL = os.environ.get("NETPOLL", "tools/cli/netpoll_tutorial")
PICTURES = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")  # Where they go.

_SECONDS = 60  # For one command; a page that hangs is a failure.

# Text whose contrast with what is behind it is less than WCAG's AA asks.
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d",
    {willReadFrequently: true});
const rgb = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = ([r, g, b]) => {
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92
                                            : ((c + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor);
    if (color[3] === 255) return color;
    if (color[3] !== 0) throw new Error("half transparent: " + at.outerHTML);
  }
  return [255, 255, 255, 255];
};
const wrong = [];
let looked = 0;
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  const style = getComputedStyle(element);
  if (!walk.currentNode.data.trim() || !element.getClientRects().length ||
      style.fontSize === "0px" || ["SCRIPT", "STYLE"].includes(
          element.tagName)) continue;
  ++looked;
  const [a, b] = [light(rgb(style.color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) wrong.push([element.outerHTML.slice(0, 90), ratio]);
}
return {looked, wrong};
"""

# What a program that reads the page aloud would miss, or read wrong. The rules
# are those of axe and html-validate that can break on such pages; neither is among
# Debian's packages.
ALOUD = r"""
const wrong = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const short = (element) => element.outerHTML.slice(0, 90);
const blame = (what, element) => wrong.push(what + ": " + short(element));
const shown = (element) => element.getClientRects().length > 0;

const ids = all("[id]").map((e) => e.id);
if (new Set(ids).size !== ids.length) wrong.push("an id twice");
for (const id of ids) {
  if (!/^[A-Za-z][\w-]*$/.test(id)) wrong.push("an id with a sign: " + id);
}
const root = document.documentElement;
if (!/^[a-z]{2}$/.test(root.lang)) wrong.push("no language");
if (!document.title.trim()) wrong.push("no title");
const zoom = document.querySelector("meta[name=viewport]");
if (!zoom || /user-scalable|maximum-scale/.test(zoom.content)) {
  wrong.push("no viewport, or one that cannot be enlarged");
}

// Headings, each under one that is a step higher; landmarks.
let level = 0;
for (const head of all("h1, h2, h3, h4, h5, h6").filter(
    (e) => !e.closest("dialog"))) {
  const now = Number(head.tagName[1]);
  if (now > level + 1) blame("a level of headings is left out", head);
  if (!head.textContent.trim()) blame("an empty heading", head);
  level = now;
}
if (all("h1").length !== 1) wrong.push("not one h1");
if (all("main").length !== 1) wrong.push("not one main");
for (const one of all("body > *")) {
  const landmark = "main, header, footer, nav, aside, dialog, script, style, " +
      "[role], section[aria-label]";
  if (shown(one) && !one.matches(landmark)) blame("outside landmarks", one);
}

// Roles and attributes that there are, of what they fit, and that lead to
// something.
const roles = ["group", "img", "region", "status", "toolbar", "presentation"];
const states = ["current", "describedby", "expanded", "haspopup", "hidden",
                "label", "labelledby", "live", "pressed", "sort", "controls"];
for (const one of all("[role]")) {
  const role = one.getAttribute("role");
  if (!roles.includes(role)) blame("no such role", one);
  if (role === "region") blame("there is an element for it", one);
  if (role === "img" && !one.ariaLabel && !one.querySelector("title")) {
    blame("a picture without a name", one);
  }
}
for (const one of all("*")) {
  for (const {name, value} of one.attributes) {
    if (!name.startsWith("aria-")) continue;
    if (!states.includes(name.slice(5))) blame("no such attribute", one);
    if (/by$|controls$/.test(name)) {
      for (const id of value.split(/\s+/)) {
        if (!document.getElementById(id)) blame(name + " leads nowhere", one);
      }
    }
  }
  if (one.ariaPressed !== null && one.tagName !== "BUTTON") {
    blame("what is pressed is no button", one);
  }
}
for (const one of all("[aria-hidden=true]")) {
  if (one.querySelector("a[href], button, input, [tabindex]")) {
    blame("hidden, and has the focus", one);
  }
}

// Names: of all that can be used; one that is seen is in the one that is said.
for (const one of all("button, a[href], dialog, section, svg[role=img]")) {
  const by = one.getAttribute("aria-labelledby");
  if (!one.ariaLabel && !one.textContent.trim() && !by) blame("no name", one);
}
for (const one of all("button[aria-label], a[aria-label]")) {
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").trim();
  if (!plain(one.ariaLabel).includes(plain(one.textContent))) {
    blame("what is seen is not what is said", one);
  }
}
for (const one of all("input, select, textarea")) {
  if (!one.labels.length && !one.ariaLabel) blame("no label", one);
}
for (const one of all("img")) if (!one.hasAttribute("alt")) blame("no alt", one);
for (const one of all("button a, a button, a a, button button, label button")) {
  blame("one inside the other", one);
}
for (const one of all("button")) if (!one.hasAttribute("type")) {
  blame("a button without a type", one);
}

// Tables and lists.
for (const table of all("table")) {
  if (table.tHead && !table.caption) blame("no caption", table);
}
for (const head of all("th")) {
  if (!head.scope) blame("no scope", head);
  if (!head.textContent.trim()) wrong.push("empty head");
}
for (const item of all("ul > *, ol > *")) {
  if (!["LI", "SCRIPT"].includes(item.tagName)) blame("no item", item);
}

// Keys: the focus goes as the page is written, and to all that scrolls.
for (const one of all("[tabindex]")) {
  if (one.tabIndex > 0) blame("out of turn", one);
}
for (const one of all("*")) {
  const scrolls = /auto|scroll/.test(getComputedStyle(one).overflowY) &&
      one.scrollHeight > one.clientHeight + 1;
  if (scrolls && one.tabIndex < 0 && !one.querySelector("button")) {
    wrong.push("no key scrolls " + one.id);
  }
}
for (const one of all("button, .n a")) {
  const {width, height} = one.getBoundingClientRect();
  if (width && one.tagName === "BUTTON" && (width < 24 || height < 24)) {
    blame("too small to hit", one);
  }
}
return wrong;
"""

# Each place that Tab comes to, from the top of the page on.
_FOCUSED = """
const at = document.activeElement;
const list = [...document.querySelectorAll("*")];
const style = getComputedStyle(at);
return {place: list.indexOf(at), name: at.outerHTML.slice(0, 80),
        ring: style.outlineStyle !== "none" || style.boxShadow !== "none"};
"""
TAB = "\ue004"


def tidy(file):
    """What tidy finds in the page; empty: nothing."""
    program = shutil.which("tidy")
    if program is None:
        raise FileNotFoundError("no tidy: tools/setup --deep installs it")
    done = subprocess.run([program, "-q", "-e", file], capture_output=True,
                          text=True)
    return done.stdout + done.stderr


class Browser:
    """One session. Positions are those of getBoundingClientRect."""

    def __init__(self):
        driver = shutil.which("chromedriver")
        if driver is None:
            raise RuntimeError("there is no chromedriver: tools/setup --deep")
        self._home = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self._driver = subprocess.Popen(
            [driver, "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "HOME": self._home},
        )
        port = None
        for line in self._driver.stdout:
            if "started successfully on port" in line:
                port = line.rstrip().rstrip(".").split()[-1]
                break
        if port is None:
            raise RuntimeError("chromedriver did not start")
        self._url = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage",
                     f"--user-data-dir={self._home}/profile"]
        session = self._post("", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }}})
        self._url += "/" + session["sessionId"]

    def close(self):
        try:
            urllib.request.urlopen(
                urllib.request.Request(self._url, method="DELETE"),
                timeout=_SECONDS)
        finally:
            self._driver.terminate()
            self._driver.wait()
            self._driver.stdout.close()
            shutil.rmtree(self._home, ignore_errors=True)

    def _post(self, path, body):
        request = urllib.request.Request(
            self._url + path, data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:2000]) from None

    def devtools(self, command, **params):
        return self._post("/goog/cdp/execute",
                          {"cmd": command, "params": params})

    def look(self, width, height, dark=False):
        """The size of the window, and which colours its user prefers."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width,
                      height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])

    def open(self, file, fragment=""):
        self._post("/url", {"url": "about:blank"})
        self._post("/url", {"url": "file://" + os.path.abspath(file) + fragment})

    def run(self, script, *arguments):
        return self._post("/execute/sync",
                          {"script": script, "args": list(arguments)})

    def press(self, keys):
        """Keys as a person presses them; names are WebDriver's characters."""
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": key},
                        {"type": "keyUp", "value": key}]
        self._post("/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})
        # Two frames: what a key changes is laid out, and observers have run.
        self._post("/execute/async", {"args": [], "script":
            "const done = arguments[0]; requestAnimationFrame(() => "
            "requestAnimationFrame(() => done()));"})

    def tabs(self, most=40):
        """What is wrong with the order in which Tab goes, or how it shows."""
        wrong, before = [], -1
        for _ in range(most):
            self.press([TAB])
            at = self.run(_FOCUSED)
            if at["place"] <= before:  # Round, to the browser's own.
                break
            if not at["ring"]:
                wrong.append("the focus is not seen: " + at["name"])
            before = at["place"]
        return wrong if before >= 0 else ["Tab comes to nothing"]

    def log(self, kind):
        return self._post("/se/log", {"type": kind})

    def picture(self, file):
        data = self.devtools("Page.captureScreenshot", format="png")["data"]
        with open(file, "wb") as out:
            out.write(base64.b64decode(data))

    def print(self, file):
        """What a printer would get, with backgrounds."""
        data = self.devtools("Page.printToPDF", printBackground=True,
                             preferCSSPageSize=True)["data"]
        with open(file, "wb") as out:
            out.write(base64.b64decode(data))
