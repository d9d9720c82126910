"""A player that knows the WHEP documents, aiortc and nothing of ours: prints what it met as one line of JSON.

    python whep_player.py ADDRESS BEARER_TOKEN

draft-ietf-wish-whep: POST of an SDP offer, 201 with the answer and Location, PATCH with candidates as an RFC 8840
fragment, DELETE. The offer carries no candidate, so that without the PATCH nothing could come.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urljoin

import aioice.ice
import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcconfiguration import RTCBundlePolicy

FRAMES = 20
WAIT_S = 30
# aioice leaves 127.0.0.1 out; player and shop are one machine here
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


def parts(sdp: str) -> tuple[str, str]:
    """Return the offer without candidates, and the fragment that brings them later."""
    lines = sdp.splitlines()
    later = [line for line in lines if line.startswith(("a=candidate:", "a=end-of-candidates"))]
    first = [line for line in lines if line not in later]
    head = [line for line in first if line.startswith(("a=ice-ufrag:", "a=ice-pwd:"))][:2]
    media = next(line for line in first if line.startswith("m="))
    fragment = [*head, media, next(line for line in first if line.startswith("a=mid:")), *later]
    return "".join(f"{line}\r\n" for line in first), "".join(f"{line}\r\n" for line in fragment)


async def play(address: str, token: str) -> dict:
    facts: dict = {"frames": 0}
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    connection.addTransceiver("video", direction="recvonly")
    tracks: list = []
    connection.on("track", tracks.append)
    await connection.setLocalDescription(await connection.createOffer())
    offer, fragment = parts(connection.localDescription.sdp)
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient() as http:
        began_s = time.monotonic()
        answer = await http.post(address, content=offer, headers={**bearer, "Content-Type": "application/sdp"})
        facts["post"], facts["post_ms"] = answer.status_code, (time.monotonic() - began_s) * 1000
        if answer.status_code != 201:
            return facts | {"text": answer.text}
        facts["type"] = answer.headers["content-type"].partition(";")[0]
        stream = urljoin(address, answer.headers["location"])
        await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        headers = {**bearer, "Content-Type": "application/trickle-ice-sdpfrag"}
        facts["patch"] = (await http.patch(stream, content=fragment, headers=headers)).status_code
        async with asyncio.timeout(WAIT_S):
            while facts["frames"] < FRAMES:
                frame = await tracks[0].recv()
                facts["frames"] += 1
        facts["size"] = [frame.width, frame.height]
        pixels = frame.to_ndarray(format="gray")
        facts["contrast"] = int(pixels.max()) - int(pixels.min())
        facts["delete"] = (await http.delete(stream, headers=bearer)).status_code
        facts["ended"] = await has_ended(tracks[0])
    await connection.close()
    return facts


async def has_ended(track) -> bool:
    """Whether the other side stops sending once it was told DELETE."""
    until_s = time.monotonic() + 8
    while time.monotonic() < until_s:
        try:
            await asyncio.wait_for(track.recv(), 1.5)
        except (MediaStreamError, TimeoutError):
            return True
    return False


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(*sys.argv[1:3]))))
