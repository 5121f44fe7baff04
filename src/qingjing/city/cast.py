"""The cast of the city: who may send what, from where, and the register that says so.

Two platforms, each the controller of a group; shops of their groups, shops that only rent a
place there, and one that sells on a platform while it belongs to the other's group. One
provider carries everything to three carriers. All names and numbers are made up.
"""

from __future__ import annotations

import random
from datetime import date
from typing import Any, Final, NamedTuple

from stdnum.cn import uscc

from qingjing.kernel.words import Carrier

CARRIERS: Final = (Carrier.MOBILE, Carrier.UNICOM, Carrier.TELECOM)
PROVIDER: Final = "chuanxun"
SPAN: Final = (date(2025, 1, 1), date(2028, 12, 31))
"""From when to when every port and grant of the city holds."""

SERVICES: Final = {
    "MKT": "commercial",
    "SVC": "service",
    "OTP": "verification",
    "ASK": "asking",
}
"""Which Service_Id declares which kind."""


class Shop(NamedTuple):
    """A sender: its party, the account that submits for it, its group, trade and signature.

    ``marketing``, ``service`` and ``second`` are its ports; ``second`` carries marketing too.
    ``unfiled`` is the carrier that has not taken its signature, if any.
    """

    party: str
    name: str
    account: str
    group: str
    trade: str
    signature: str
    marketing: str
    service: str
    second: str
    unfiled: Carrier | None = None


class Platform(NamedTuple):
    """A platform and its login; ``mixed`` is its port that carries all kinds."""

    party: str
    name: str
    group: str
    account: str
    mixed: str


# 10690XXX is a third-party platform's code, eight digits and extensions; 10695 to 10698 are
# enterprises' own, twelve digits; 10630XXX is provincial (law register, port numbers).
_SHARED: Final = "10690815"
_PROVINCIAL: Final = "10630277"

QINGLAN: Final = Platform("qinglan", "青岚商城", "qinglan-group", "801001", "106958100301")
YUANSHAN: Final = Platform("yuanshan", "远山优选", "yuanshan-group", "801002", "106981200456")
PLATFORMS: Final = (QINGLAN, YUANSHAN)


def _shop(
    number: int,
    party: str,
    name: str,
    platform: Platform,
    group: str,
    trade: str,
    *,
    code: str = _SHARED,
    unfiled: Carrier | None = None,
) -> Shop:
    marketing, service, second = (f"{code}{number:02d}{extension}" for extension in "123")
    return Shop(
        party, name, platform.account, group, trade, name, marketing, service, second, unfiled
    )


_A, _B = QINGLAN, YUANSHAN
SHOPS: Final = (
    _shop(1, "qinglan", "青岚商城", _A, _A.group, "retail"),
    _shop(2, "lvye", "绿野优品", _A, _A.group, "retail"),
    _shop(3, "xiangwei", "巷味到家", _A, _A.group, "food"),
    _shop(4, "qinglan-finance", "青岚金服", _A, _A.group, "finance"),
    _shop(5, "chuyun", "初云生活馆", _A, _B.group, "retail"),
    _shop(6, "molan", "墨兰书院", _A, "molan", "education", code=_PROVINCIAL),
    _shop(7, "shanhu", "珊瑚折扣", _A, "shanhu", "retail", code=_PROVINCIAL),
    _shop(11, "yuanshan", "远山优选", _B, _B.group, "retail"),
    _shop(12, "yuanshan-travel", "远山旅行", _B, _B.group, "travel"),
    _shop(13, "chiyuan", "驰远养车", _B, _B.group, "automotive"),
    _shop(14, "yingyue", "映月影城", _B, "yingyue", "entertainment", unfiled=Carrier.UNICOM),
    _shop(15, "heting", "荷亭美妆", _B, "heting", "health", code=_PROVINCIAL),
)
SHOP: Final = {shop.party: shop for shop in SHOPS}
SUSPENDED: Final = SHOP["shanhu"]
REINSTATED: Final = SHOP["heting"]
OPEN: Final = tuple(shop for shop in SHOPS if shop is not SUSPENDED)
"""The shops that may send."""

_MARKETING: Final = ["commercial", "asking"]
_SERVICE: Final = ["service", "verification"]
_FULL: Final = {
    "qinglan": "青岚商城(临湖)网络科技有限公司",
    "yuanshan": "远山优选(望川)电子商务有限公司",
}


def platform_of(account: str) -> Platform:
    """The platform that logs in under an account."""
    return next(platform for platform in PLATFORMS if platform.account == account)


def credit_code(chance: random.Random) -> str:
    """A valid 统一社会信用代码 of a company: organisation code and both check digits right."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    organisation = "MA" + "".join(chance.choices(alphabet, k=6))
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    # GB 11714 counts letters from 10 on, with those that the credit code leaves out.
    values = (int(character, 36) for character in organisation)
    check = 11 - sum(v * w for v, w in zip(values, weights, strict=True)) % 11
    digit = {10: "X", 11: "0"}.get(check, str(check))
    code = f"91{chance.choice(('330106', '440305', '110105', '320213'))}{organisation}{digit}"
    return code + uscc.calc_check_digit(code)


def register(chance: random.Random) -> dict[str, list[dict[str, Any]]]:
    """The city's register, as a register file has it."""
    return {
        "parties": _parties(chance),
        "ports": _ports(),
        "signatures": [
            {
                "signature": shop.signature,
                "owner": shop.party,
                "source": "trademark",
                "proof": f"商标注册证 第{chance.randrange(10**7, 10**8)}号",
                "kinds": _MARKETING + _SERVICE,
            }
            for shop in SHOPS
        ],
        "grants": _grants(),
        "filings": _filings(),
    }


def _parties(chance: random.Random) -> list[dict[str, Any]]:
    def party(name: str, full: str, role: str, group: str = "") -> dict[str, Any]:
        return {
            "party": name,
            "name": full,
            "role": role,
            "credit_code": credit_code(chance),
            "group": group,
        }

    found = [party(PROVIDER, "传讯通信息服务有限公司", "provider")]
    found[0]["licences"] = ["B2-20250081"]
    found += [party(f"carrier-{c.name.lower()}", c.name.title(), "carrier") for c in CARRIERS]
    platforms = {platform.party for platform in PLATFORMS}
    for shop in SHOPS:
        role = "platform" if shop.party in platforms else "merchant"
        full = _FULL.get(shop.party, f"{shop.name}有限公司")
        found.append(party(shop.party, full, role, shop.group))
    return found


def _ports() -> list[dict[str, Any]]:
    def port(number: str, holder: str, kinds: list[str]) -> dict[str, Any]:
        return {
            "port": number,
            "holder": holder,
            "kinds": kinds,
            "licence": "号〔2025〕00081",
            "valid_from": SPAN[0],
            "valid_until": SPAN[1],
        }

    found = [port(p.mixed, p.party, _MARKETING + _SERVICE) for p in PLATFORMS]
    for shop in SHOPS:
        found.append(port(shop.marketing, PROVIDER, _MARKETING))
        found.append(port(shop.second, PROVIDER, _MARKETING))
        found.append(port(shop.service, PROVIDER, _SERVICE))
    return found


def _grants() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def grant(shop: Shop, port: str, kinds: list[str]) -> None:
        platform = platform_of(shop.account).party
        found.append(
            {
                "grant": f"{shop.party}-{port}",
                "sender": shop.party,
                "port": port,
                "signature": shop.signature,
                "kinds": kinds,
                "chain": list(dict.fromkeys((shop.party, platform, PROVIDER))),
                "valid_from": SPAN[0],
                "valid_until": SPAN[1],
            }
        )

    for platform in PLATFORMS:
        grant(SHOP[platform.party], platform.mixed, _MARKETING + _SERVICE)
    for shop in SHOPS:
        grant(shop, shop.marketing, _MARKETING)
        grant(shop, shop.second, _MARKETING)
        grant(shop, shop.service, _SERVICE)
    return found


def _filings() -> list[dict[str, Any]]:
    names = [carrier.name.lower() for carrier in CARRIERS]
    ports = [entry["port"] for entry in _ports()]
    found: list[dict[str, Any]] = [
        {"port": port, "carriers": names, "state": "filed"} for port in ports
    ]
    for shop in SHOPS:
        filed = [c.name.lower() for c in CARRIERS if c is not shop.unfiled]
        found.append({"signature": shop.signature, "carriers": filed, "state": "filed"})
        if shop.unfiled is not None:
            found.append(
                {
                    "signature": shop.signature,
                    "carriers": [shop.unfiled.name.lower()],
                    "state": "rejected",
                    "reason": "材料不全",
                }
            )
    return found
