# SPDX-License-Identifier: Apache-2.0
"""A Chromium without a window, driven over WebDriver's own protocol."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request

_SECONDS = 60  # For one command; a page that hangs is a failure.


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
