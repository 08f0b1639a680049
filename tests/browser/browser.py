# SPDX-License-Identifier: Apache-2.0
"""A Chromium without a window, driven over WebDriver's own protocol."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request

NETPOLL = os.environ.get("NETPOLL", "tools/cli/netpoll_mutants")
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

# What a program that reads the page aloud would miss.
ALOUD = """
const wrong = [];
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) wrong.push("an id twice");
if (!document.documentElement.lang) wrong.push("no language");
if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
for (const table of document.querySelectorAll("table")) {
  if (table.tHead && !table.caption) wrong.push("no caption");
}
for (const head of document.querySelectorAll("th")) {
  if (!head.scope) wrong.push("no scope: " + head.outerHTML);
  if (!head.textContent.trim()) wrong.push("empty head");
}
for (const one of document.querySelectorAll("button, a[href], dialog")) {
  const name = one.ariaLabel || one.textContent.trim() ||
      one.getAttribute("aria-labelledby");
  if (!name) wrong.push("no name: " + one.outerHTML);
}
for (const one of document.querySelectorAll("[aria-labelledby]")) {
  if (!document.getElementById(one.getAttribute("aria-labelledby"))) {
    wrong.push("label is not there: " + one.outerHTML.slice(0, 80));
  }
}
for (const one of document.querySelectorAll("*")) {
  const scrolls = /auto|scroll/.test(getComputedStyle(one).overflowY) &&
      one.scrollHeight > one.clientHeight + 1;
  if (scrolls && one.tabIndex < 0 && !one.querySelector("button")) {
    wrong.push("no key scrolls " + one.id);
  }
}
for (const one of document.querySelectorAll("button, .n a")) {
  const {width, height} = one.getBoundingClientRect();
  if (width && one.tagName === "BUTTON" && (width < 24 || height < 24)) {
    wrong.push("too small to hit: " + one.outerHTML);
  }
}
return wrong;
"""


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
