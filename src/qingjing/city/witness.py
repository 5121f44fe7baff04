"""What carriers saw, put together: parts into messages, messages to those that were sent."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from qingjing.city.carrier import Received
from qingjing.city.out import Delivered
from qingjing.city.scene import Message
from qingjing.kernel.words import Carrier, mask
from qingjing.wire import content


class _Gathered(msgspec.Struct):
    """One message on its way in: its parts by number, and how often a part came again."""

    port: str
    phone: str
    order: int
    total: int
    parts: dict[int, content.Part]
    again: int = 0

    @property
    def whole(self) -> bool:
        return len(self.parts) == self.total

    def body(self) -> str:
        """The text; of half a message, the text of the half that came."""
        text = content.join(self.parts.values())
        return text if isinstance(text, str) else ""


def delivered(
    carrier: Carrier, received: Iterable[Received], sent: Iterable[Message]
) -> list[Delivered]:
    """What a carrier received, message by message, each with the tag of what was sent."""
    tags = {(message.person.phone.digits, message.body): message.tag for message in sent}
    bodies = list(tags)
    rows: dict[tuple[str, str], Delivered] = {}
    for found in _gather(received):
        body = found.body()
        key = (found.phone, body)
        if not found.whole and key not in tags:
            key = next((k for k in bodies if k[0] == found.phone and body in k[1]), key)
        known = rows.get(key)
        times = (known.times if known else 0) + 1 + found.again
        rows[key] = Delivered(
            tag=tags.get(key, ""),
            carrier=carrier.name.lower(),
            order=known.order if known else found.order,
            phone=mask(found.phone),
            port=found.port,
            whole=found.whole or (known is not None and known.whole),
            times=times,
        )
    return list(rows.values())


def _gather(received: Iterable[Received]) -> list[_Gathered]:
    """Parts that belong together: same number, port and reference, as a phone joins them."""
    gathered: list[_Gathered] = []
    open_messages: dict[tuple[str, str, int, int], _Gathered] = {}
    for one in received:
        part = content.Part(one.udhi, one.coding, one.content)
        concat = content.read_udh(one.content).concat if one.udhi else None
        if concat is None:
            gathered.append(_Gathered(one.port, one.phone, one.order, 1, {1: part}))
            continue
        key = (one.phone, one.port, concat.reference, concat.total)
        found = open_messages.get(key)
        if found is None:
            found = _Gathered(one.port, one.phone, one.order, concat.total, {})
            open_messages[key] = found
            gathered.append(found)
        if concat.number in found.parts:
            found.again += 1
        found.parts[concat.number] = part
        if found.whole:
            del open_messages[key]
    return gathered
