"""What tests of onboarding apply with: a company, its documents, and the people on both sides."""

import io

from PIL import Image, PngImagePlugin

from tests.cloud_relay.site import jpeg

APPLICATION = {
    "kind": "company", "real_name": "杭州茶业有限公司", "country": "CN", "number": "91350100M000100Y43",
    "address": {"lines": ["西湖路 1 号"], "postal_code": "310000", "city": "杭州"}, "contact_name": "王小明",
    "phone": "+86 571 0000",
}  # fmt: skip


def png(words: str = "GPS 30.25 120.16") -> bytes:
    """Return a PNG whose metadata says where it was taken."""
    out, told = io.BytesIO(), PngImagePlugin.PngInfo()
    told.add_text("Comment", words)
    Image.new("RGB", (60, 40), "white").save(out, "PNG", pnginfo=told)
    return out.getvalue()


class Applicant:
    """A merchant that nobody has verified yet, and an operator."""

    def __init__(self, site, owner, operator, merchant_id) -> None:
        self.site, self.owner, self.operator, self.merchant_id = site, owner, operator, merchant_id
        self.application_id = ""

    @classmethod
    async def come(cls, site, name="ann"):
        owner = site.account(name)
        operator = site.account(f"olga-{name}", is_operator=True)
        made = await site.call("POST", "/api/merchants", {"name_zh": name, "contact": "here"}, owner, 201)
        return cls(site, owner, operator, made["merchant_id"])

    async def fill(self, status=200, **values):
        path = f"/api/merchants/{self.merchant_id}/application"
        answer = await self.site.call("PUT", path, {**APPLICATION, **values}, self.owner, status)
        self.application_id = answer.get("application_id", self.application_id)
        return answer

    async def show(self, kind, content=None, status=201):
        files = {"document": ("x.jpg", jpeg(60, 40) if content is None else content, "image/jpeg")}
        path = f"/api/applications/{self.application_id}/documents"
        return await self.site.call("POST", path, headers=self.owner, files=files, data={"kind": kind}, status=status)

    async def submit(self, status=200):
        path = f"/api/applications/{self.application_id}/submit"
        return await self.site.call("POST", path, {}, self.owner, status)

    async def send(self, **values):
        """Fill in, show both documents, submit."""
        await self.fill(**values)
        for kind in ("licence", "identity_front"):
            await self.show(kind)
        await self.submit()

    async def look(self):
        """The operator looks at every document."""
        whole = await self.site.call("GET", f"/api/operator/applications/{self.application_id}", headers=self.operator)
        for one in whole["documents"]:
            await self.site.call("GET", f"/api/operator/documents/{one['document_id']}", headers=self.operator)
        return whole

    async def decide(self, state, status=200, **values):
        path = f"/api/operator/merchants/{self.merchant_id}/decide"
        return await self.site.call("POST", path, {"state": state, **values}, self.operator, status)

    async def own(self):
        return await self.site.call("GET", f"/api/merchants/{self.merchant_id}/application", headers=self.owner)
