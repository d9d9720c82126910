"""A player that is not ours watches: WHEP's documents are all it knows."""

import json
import subprocess
import sys
from pathlib import Path

from tests.browser.program import Program
from tests.browser.test_looking import piece
from tests.browser.whole_mall import SHOPPER

PLAYER = Path(__file__).with_name("whep_player.py")
POST_MS_MAX = 1000
"""The promise is 100 ms, on a machine that is left alone. What this holds is that nothing is waited for on the way:
not the player's candidates, and no server's silence (tests/edge/viewing/test_streams.py).
"""


def play(mall, address: str, token: str) -> dict:
    words = [sys.executable, str(PLAYER), mall.url + address, token]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_another_player_watches_with_a_pass_and_is_answered_at_once(mall):
    shopper = Program(mall.url, *SHOPPER)
    session = shopper.call("POST", "/api/viewing", {"piece_id": piece(mall, "三月的湖"), "watch_only": True})
    took_ms = []
    for _ in range(3):
        grant = shopper.call("POST", f"/api/viewing/{session['session_id']}/pass", {})
        facts = play(mall, grant["whep_url"], grant["pass"])
        assert (facts["post"], facts["type"], facts["patch"], facts["delete"]) == (201, "application/sdp", 204, 200)
        assert facts["frames"] == 20
        assert min(facts["size"]) >= 240
        assert facts["contrast"] > 60, "a picture, not a black field"
        assert facts["ended"]
        took_ms.append(facts["post_ms"])
        again = play(mall, grant["whep_url"], grant["pass"])
        assert again["post"] == 401, "a pass opens one stream"
    print(f"POST answered after {', '.join(f'{ms:.0f}' for ms in took_ms)} ms")
    assert min(took_ms) < POST_MS_MAX
    assert play(mall, grant["whep_url"], "forged")["post"] == 401
    shopper.call("DELETE", f"/api/viewing/{session['session_id']}")
