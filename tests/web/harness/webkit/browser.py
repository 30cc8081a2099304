"""A browser of one window on WebKitGTK, driven by WebKitWebDriver.

WebKit's own MiniBrowser keeps nothing while it is driven, as a private window does. This one has a
profile on the disk unless it is told --private, and says on stderr what the page does: its console
(WebKit writes that), what it asks for, and which files it saves.
"""

import argparse
import itertools
import os
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", required=True, help="folder of what is stored and saved")
    parser.add_argument("--script", help="file to run in every page before its own scripts")
    parser.add_argument("--private", action="store_true", help="keep nothing")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=900)
    return parser.parse_args()


def tell(word, text):
    print(word, text, file=sys.stderr, flush=True)


def context_of(chosen):
    if chosen.private:
        manager = WebKit2.WebsiteDataManager.new_ephemeral()
    else:
        folder = os.path.join(chosen.profile, "data")
        manager = WebKit2.WebsiteDataManager(
            base_data_directory=folder, base_cache_directory=folder
        )
    context = WebKit2.WebContext(website_data_manager=manager)
    context.set_automation_allowed(True)
    numbers = itertools.count()

    def save(download, name):
        folder = os.path.join(chosen.profile, f"saved-{next(numbers)}")
        os.makedirs(folder)
        path = os.path.join(folder, name)
        download.set_destination(GLib.filename_to_uri(path))
        download.connect("finished", lambda _: tell("SAVED", path))
        return True

    context.connect("download-started", lambda _, one: one.connect("decide-destination", save))
    return context


def watch(view, resource, request):
    tell("REQUEST", request.get_uri())

    def answered(resource, _):
        status = resource.get_response().get_status_code()
        if status >= 400:
            tell("REFUSED", f"{status} {resource.get_uri()}")

    resource.connect("notify::response", answered)


def view_in(context, chosen):
    content = WebKit2.UserContentManager()
    if chosen.script:
        with open(chosen.script, encoding="utf-8") as file:
            text = file.read()
        frames = WebKit2.UserContentInjectedFrames.TOP_FRAME
        begin = WebKit2.UserScriptInjectionTime.START
        content.add_script(WebKit2.UserScript(text, frames, begin, None, None))
    view = WebKit2.WebView(
        web_context=context,
        user_content_manager=content,
        settings=WebKit2.Settings(enable_write_console_messages_to_stdout=True),
        is_controlled_by_automation=True,
    )
    view.connect("resource-load-started", watch)
    window = Gtk.Window(default_width=chosen.width, default_height=chosen.height)
    window.add(view)
    window.show_all()
    return view


def main():
    chosen = options()
    context = context_of(chosen)

    def begin(_, session):
        info = WebKit2.ApplicationInfo()
        info.set_name("WebKitGTK")
        info.set_version(
            WebKit2.get_major_version(),
            WebKit2.get_minor_version(),
            WebKit2.get_micro_version(),
        )
        session.set_application_info(info)
        session.connect("create-web-view", lambda _: view_in(context, chosen))

    context.connect("automation-started", begin)
    Gtk.main()


main()
