"""Looking: visitors watch, the line is fair, and without WebRTC pictures still come."""

import json
import math
import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER, STUDIO

LOOK = "#look"
PIXELS = """() => {
  const image = document.querySelector("[data-part=image]");
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0, 64, 36);
  return [...pen.getImageData(0, 0, 64, 36).data].filter((_, place) => place % 4 === 1);
}"""


PEERS = """(() => {
  const Peer = window.RTCPeerConnection, peers = (window.peers = []);
  window.offers = 0;
  window.RTCPeerConnection = class extends Peer {
    constructor(...all) { super(...all); peers.push(this); }
    async createOffer(...all) {
      const made = await super.createOffer(...all);
      window.offers += 1;
      return made;
    }
  };
})()"""


REFRESHES = """(() => {
  const asked = window.requestAnimationFrame;
  window.refreshes = 0;
  window.requestAnimationFrame = (...all) => { window.refreshes += 1; return asked(...all); };
})()"""


def wait_for_peers(page, states: list[str]) -> None:
    """Until the connections that this page ever tried stand like this, in their order. One that was only made ready, as
    when the page draws the link anew under the pointer, is none yet.
    """
    page.wait_for_function(
        "states => String(window.peers.map((one) => one.connectionState).filter((one) => one !== 'new')) === states",
        arg=",".join(states),
    )


def wait_for_offer(page, count: int) -> None:
    """Until the page has made so many offers: a hand is slower than that."""
    page.wait_for_function("count => window.offers >= count", arg=count)
    page.wait_for_timeout(100)


def piece(mall, words: str) -> str:
    shopper = Program(mall.url, *SHOPPER)
    found = shopper.listing(words)
    return found["pieces"][0]["piece_id"]


def test_a_visitor_watches_and_is_asked_to_sign_in_to_steer(person, mall):
    visitor, passes = person(), []
    visitor.page.add_init_script(REFRESHES)
    visitor.page.on("request", lambda request: passes.append(request.url) if request.url.endswith("/pass") else None)
    visitor.go(f"/look/{piece(mall, '三月的湖')}?lang=en")
    expect(visitor.page.locator(LOOK)).to_have_attribute("data-state", "watching", timeout=20_000)
    expect(visitor.page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    assert passes == [], "the first pass came with the shop's answer"
    expect(visitor.page.locator("[data-part=controls]")).to_be_hidden()
    expect(visitor.page.get_by_role("link", name="Sign in to steer and buy")).to_be_visible()
    assert is_at_rest(visitor.page), "beside an animation each live picture waits for the screen's next refresh"


def is_at_rest(page) -> bool:
    """Whether the page asks for no refresh of the screen in a second, and nothing of it is animated."""
    page.evaluate("window.refreshes = 0")
    page.wait_for_timeout(1000)
    return page.evaluate("window.refreshes === 0 && document.getAnimations().length === 0")


def test_a_picture_of_any_shape_stands_within_the_stage(person, mall):
    """A connection that was closed leaves a video of 2 × 2 behind the stills."""
    visitor = person()
    page = visitor.page
    visitor.go(f"/look/{piece(mall, '三月的湖')}?lang=en")
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    stage = page.locator("[data-part=stage]").bounding_box()
    square = """(part) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
      canvas.getContext("2d").fillRect(0, 0, 64, 64);
      const shown = document.querySelector(`[data-part=${part}]`);
      shown.hidden = false;
      if (part === "video") shown.srcObject = canvas.captureStream(5);
      else shown.src = canvas.toDataURL();
    }"""
    for part, width in (("image", "naturalWidth"), ("video", "videoWidth")):
        page.evaluate(square, part)
        expect(page.locator(f"[data-part={part}]")).to_have_js_property(width, 64)
        assert page.locator(f"[data-part={part}]").bounding_box() == stage


def test_the_shop_is_asked_by_the_click_itself_and_once(person, mall):
    """The page that was clicked on asks, with an offer once somebody had rested on the link, and the looking page comes
    into it; going back leads to the listing as it is now.
    """
    shopper, asked, opened = person(SHOPPER), [], []
    page = shopper.page
    wanted = piece(mall, "三月的湖")
    listing_id = Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]

    def note(request) -> None:
        if request.method == "POST" and request.url.endswith("/api/viewing"):
            asked.append((request.headers["referer"], request.post_data_json["offer_sdp"]))
        if "/whep/" in request.url:
            opened.append(request.method)

    page.context.on("request", note)
    shopper.go(f"/l/{listing_id}?lang=en")
    link = page.locator(f'a[data-asks="{wanted}"]')
    with page.expect_response(lambda response: "/connection.js" in response.url):
        link.hover()
    page.evaluate("window.isStillHere = true")
    page.wait_for_timeout(300)  # a hand is slower: the offer is made by then
    link.click()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    assert page.evaluate("window.isStillHere"), "no page was opened"
    assert page.url.startswith(f"{mall.url}/look/{wanted}")
    assert page.title().startswith("Looking at")
    ((clicked, offer),) = asked
    assert f"/l/{listing_id}" in clicked and offer.startswith("v=0")
    assert "POST" not in opened, "the answer to the offer came with the shop's word"
    page.go_back()
    expect(page.locator(f'a[data-asks="{wanted}"]')).to_be_visible()
    assert not page.evaluate("window.isStillHere ?? false"), "what the listing shows is what is true now"


def test_a_press_asks_before_its_release_and_one_let_go_elsewhere_leaves(person, mall):
    shopper = person(SHOPPER)
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    shopper.go(f"/l/{listing_id}?lang=en")
    page.locator("a[data-asks]").first.hover()
    with page.expect_response(lambda response: response.url.endswith("/api/viewing")) as answered:
        page.mouse.down()
    session = answered.value.json()
    assert session["state"] == "steering"
    with page.expect_response(lambda response: response.url.endswith(f"/{session['session_id']}/leave")):
        page.mouse.move(5, 5, steps=3)  # a link that is drawn away is no press any more
        page.mouse.up()
    state = page.request.get(f"{mall.url}/api/viewing/{session['session_id']}").json()["state"]
    assert state == "ended" and f"/l/{listing_id}" in page.url


def test_a_press_connects_before_its_release_and_one_let_go_elsewhere_hangs_up(person, mall):
    shopper = person(SHOPPER)
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    page.add_init_script(PEERS)
    shopper.go(f"/l/{listing_id}?lang=en")
    link = page.locator("a[data-asks]").first
    link.hover()
    wait_for_offer(page, 1)
    page.mouse.down()
    wait_for_peers(page, ["connected"])
    assert f"/l/{listing_id}" in page.url, "the button is still down"
    page.mouse.move(5, 5, steps=3)
    page.mouse.up()
    wait_for_peers(page, ["closed"])
    link.hover()
    wait_for_offer(page, 2)
    page.mouse.down()
    wait_for_peers(page, ["closed", "connected"])
    page.mouse.up()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    wait_for_peers(page, ["closed", "connected"])
    shopper.page.wait_for_function(
        "() => document.querySelector('[data-part=video]').getVideoPlaybackQuality().totalVideoFrames > 5"
    )


def test_a_press_that_is_held_while_the_page_gets_news_leads_there_all_the_same(person, mall):
    """The press takes the camera, of which the listing hears at once and is fetched again."""
    shopper = person(SHOPPER)
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    shopper.go(f"/l/{listing_id}?lang=en")
    page.locator("a[data-asks]").first.hover()
    expect(page.locator("body")).to_have_attribute("data-live", "yes")
    page.wait_for_load_state("networkidle")
    with page.expect_response(lambda response: "vitrine-refresh" in response.request.headers) as fetched:
        page.mouse.down()
    fetched.value.finished()
    page.wait_for_timeout(100)  # the page puts the news in place
    page.mouse.up()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)


def test_back_and_forward_lead_to_what_the_address_says(person, mall):
    shopper = person(SHOPPER)
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    shopper.go(f"/l/{listing_id}?lang=en")
    link = page.locator("a[data-asks]").first
    link.click()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    page.reload()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    page.go_back()
    expect(link).to_be_visible()
    page.go_forward()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    page.go_back()
    expect(link).to_be_visible()


def test_a_second_click_while_the_page_is_brought_is_none(person, mall):
    shopper, asked, held = person(SHOPPER), [], []
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/api/viewing") else None)
    page.route("**/look/*", lambda route: held.append(route))  # noqa: PLW0108  # it gets an attribute
    shopper.go(f"/l/{listing_id}?lang=en")
    link = page.locator("a[data-asks]").first
    with page.expect_request("**/look/*"):
        link.click()
    link.click()
    held[0].continue_()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    assert (len(asked), len(held)) == (1, 1)
    assert "null" not in page.locator("body").inner_text()


def test_a_browser_that_keeps_nothing_looks_as_well(person, mall):
    shopper = person(SHOPPER)
    page, listing_id = shopper.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    page.add_init_script("""for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });""")
    shopper.go(f"/l/{listing_id}?lang=en")
    link = page.locator("a[data-asks]").first
    link.hover()
    link.click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)


def test_a_finger_that_scrolls_asks_nobody_and_one_that_taps_asks_once(person, mall):
    phone, asked = person(SHOPPER, size=(390, 844), has_touch=True, is_mobile=True), []
    page, listing_id = phone.page, Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/api/viewing") else None)
    phone.go(f"/l/{listing_id}?lang=en")
    link = page.locator("a[data-asks]").first
    link.scroll_into_view_if_needed()
    box, touch = link.bounding_box(), phone.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        *(("touchMove", [{"x": x, "y": y - 20 * step}]) for step in range(1, 8)),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    link.tap()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    assert len(asked) == 1


def test_a_click_without_waiting_opens_the_looking_page_and_keeps_its_head(person, mall):
    """By the keyboard and at once: nothing was fetched ahead; the head's links lead from the page that is shown."""
    shopper = person(SHOPPER)
    page = shopper.page
    listing_id = Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    shopper.go(f"/l/{listing_id}?lang=en")
    page.locator("a[data-asks]").first.press("Enter")
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    assert "/look/" in page.locator("header nav a[hreflang]").get_attribute("href")
    assert page.evaluate("document.activeElement.dataset.part") == "stage"
    page.get_by_role("link", name="Leave").click()
    expect(page.locator("a[data-asks]").first).to_be_visible()


def test_where_the_page_cannot_be_fetched_the_link_is_followed(person, mall):
    shopper = person(SHOPPER)
    page = shopper.page
    listing_id = Program(mall.url, *SHOPPER).listing("三月的湖")["listing_id"]
    shopper.go(f"/l/{listing_id}?lang=en")
    page.route(
        "**/look/*", lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_()
    )
    page.locator("a[data-asks]").first.click()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)


def test_the_next_in_line_gets_the_camera_when_the_first_leaves(person, mall):
    wanted = piece(mall, "三月的湖")
    first, second = person(SHOPPER), person(STUDIO)
    first.go(f"/look/{wanted}?lang=en")
    expect(first.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    second.go(f"/look/{wanted}?lang=en")
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "waiting", timeout=20_000)
    expect(second.page.get_by_text("You are number 1 in line")).to_be_visible()
    first.page.get_by_role("link", name="Leave").click()
    expect(second.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=15_000)


def test_without_webrtc_pictures_come_through_the_relay_and_steering_works(person, mall):
    shopper = person(SHOPPER)
    shopper.page.add_init_script("delete window.RTCPeerConnection")
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    page.wait_for_function("() => document.querySelector('[data-part=image]').naturalWidth > 100", timeout=20_000)
    steers(page)


def told(mall, event: str) -> list[dict[str, Any]]:
    """What the heads of the shop were told, by the log of the simulated bench."""
    lines = (mall.folder / "teahouse" / "world" / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [one for one in map(json.loads, lines) if one["event"] == event]


def grows(page, mall, event: str, before: int) -> dict[str, Any]:
    """Wait until the heads were told so once more; return what they were told last."""
    until = time.monotonic() + 20
    while len(told(mall, event)) <= before:
        assert time.monotonic() < until, f"no {event}"
        page.wait_for_timeout(100)
    return told(mall, event)[-1]


VIEW_DEG = 48.0
"""How wide the simulated heads see at magnification 1."""
HOME_ZOOM = 1.8
"""How close the demonstration's shelves are looked at first."""


def settled_zoom(page, mall) -> float:
    """Wait until the head looks as close as its first view does; return what it says itself."""
    session_id = page.locator("[data-subject]").first.get_attribute("data-subject")
    until = time.monotonic() + 20
    while (
        abs((zoom := page.request.get(f"{mall.url}/api/viewing/{session_id}/zoom").json()["zoom"]) - HOME_ZOOM) > 0.01
    ):
        assert time.monotonic() < until, f"it looks {zoom} times as close"
        page.wait_for_timeout(200)
    return zoom


def test_a_click_brings_its_point_to_the_middle_and_a_drag_looks_around(person, mall):
    shopper = person(SHOPPER)
    shopper.go(f"/look/{piece(mall, '朱泥')}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
    home, sent, driven = told(mall, "head_sent")[-1], len(told(mall, "head_sent")), len(told(mall, "head_driven"))
    box = page.locator("[data-part=stage]").bounding_box()
    assert box
    width, x, y = min(box["width"], box["height"] * 16 / 9), box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    zoom = settled_zoom(page, mall)
    page.mouse.click(x + width / 4, y)
    aimed = grows(page, mall, "head_sent", sent)
    half_way_deg = math.degrees(math.atan(math.tan(math.radians(VIEW_DEG / 2)) / zoom / 2))  # 7.05 at 1.8, 12.55 at 1
    assert home["tilt_deg"] == 0
    assert aimed["pan_deg"] - home["pan_deg"] == pytest.approx(half_way_deg, abs=0.15)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y, steps=3)
    grows(page, mall, "head_driven", driven)
    page.mouse.up()
    page.get_by_role("link", name="Leave").click()
    assert len(told(mall, "head_sent")) == sent + 1


def test_what_is_pressed_before_the_shop_answers_counts(person, mall):
    shopper, held = person(SHOPPER), []
    shopper.page.route("**/api/viewing", lambda route: held.append(route))  # noqa: PLW0108  # it gets an attribute
    shopper.go(f"/look/{piece(mall, '三月的湖')}?lang=en")
    saver = shopper.page.get_by_role("button", name="Data saver")
    saver.click()
    expect(saver).to_have_attribute("aria-pressed", "true")
    shopper.page.get_by_role("textbox", name="Your question").fill("Is it heavy?")
    shopper.page.get_by_role("textbox", name="Your question").press("Enter")
    expect(shopper.page.get_by_text("The shop has not answered yet")).to_be_visible()
    held[0].continue_()
    expect(shopper.page.locator(LOOK)).to_have_attribute("data-way", "still", timeout=20_000)
    expect(saver).to_have_attribute("aria-pressed", "true")


NO_CANDIDATES = """
const Real = RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(options) { super({ ...options, iceServers: [], iceTransportPolicy: "relay" }); }
  setConfiguration(options) { super.setConfiguration({ ...options, iceServers: [], iceTransportPolicy: "relay" }); }
};
"""
"""What a network that lets no UDP through and knows no TURN server does: not one address to meet at."""

SEES = "() => document.querySelector('[data-part=image]').naturalWidth > 100"


def steers(page) -> None:
    """Hold an arrow until the picture on the page has changed, then let go."""
    before = page.evaluate(PIXELS)
    page.locator("[data-part=stage]").focus()
    page.keyboard.down("ArrowRight")
    moved = f"before => ({PIXELS})().some((pixel, place) => Math.abs(pixel - before[place]) > 40)"
    page.wait_for_function(moved, arg=before, timeout=20_000)
    page.keyboard.up("ArrowRight")


def test_where_no_address_meets_another_stills_come_at_once_and_pictures_after(person, mall):
    shopper = person(SHOPPER)
    shopper.page.add_init_script(NO_CANDIDATES)
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    page = shopper.page
    page.wait_for_function(SEES, timeout=60_000)
    assert page.locator(LOOK).get_attribute("data-way") == "opening"  # WebRTC is still being tried: nobody waits for it
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    expect(page.locator("[data-part=way]")).to_have_text(re.compile("pictures through the relay"))
    page.reload()  # what was found out about this network stays: nothing is tried in vain again
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=5_000)
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    steers(page)


def test_without_sockets_and_event_streams_too_the_camera_is_steered(person, mall):
    """A proxy that knows nothing but requests: pictures by polling, the turn learnt by asking."""
    wanted = piece(mall, "三月的湖")
    first, shopper = person(STUDIO), person(SHOPPER)
    first.go(f"/look/{wanted}?lang=en")
    expect(first.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    page = shopper.page
    page.add_init_script("delete window.RTCPeerConnection")
    page.route_web_socket(re.compile("/frames$"), lambda socket: socket.close())
    page.route(re.compile("/api/events"), lambda route: route.abort())
    shopper.go(f"/look/{wanted}?lang=en")
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    page.wait_for_function(SEES, timeout=20_000)
    first.page.get_by_role("link", name="Leave").click()
    expect(page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    steers(page)


@pytest.mark.slow
@pytest.mark.full
def test_a_network_of_200_kbit_gets_one_still_a_second(person, mall):
    shopper = person(SHOPPER)
    page = shopper.page
    page.add_init_script("delete window.RTCPeerConnection")
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    expect(page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=60_000)
    page.route_web_socket(re.compile("/frames$"), lambda socket: socket.close())
    narrow = {"offline": False, "latency": 60, "downloadThroughput": 25_000, "uploadThroughput": 25_000}
    shopper.context.new_cdp_session(page).send("Network.emulateNetworkConditions", narrow)
    page.get_by_role("button", name="Best picture").click()  # now by polling, which Chromium's brake slows as well
    expect(page.locator(LOOK)).to_have_attribute("data-way", "still", timeout=40_000)
    expect(page.locator("[data-part=way]")).to_have_text(re.compile("one still a second"))
    steers(page)


def test_the_data_saver_is_the_shoppers_own_choice(person, mall, eyes):
    shopper = person(SHOPPER)
    shopper.go(f"/look/{piece(mall, '西施')}?lang=en")
    page = shopper.page
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=60_000)
    expect(page.locator("[data-part=way]")).to_have_text("live, direct")
    page.get_by_role("button", name="Data saver").click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "still", timeout=20_000)
    expect(page.get_by_role("button", name="Data saver")).to_have_attribute("aria-pressed", "true")
    steers(page)
    page.reload()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "still", timeout=20_000)
    eyes.look(page, "look-data-saver")
    page.get_by_role("button", name="Best picture").click()
    expect(page.locator(LOOK)).to_have_attribute("data-way", "webrtc", timeout=20_000)
