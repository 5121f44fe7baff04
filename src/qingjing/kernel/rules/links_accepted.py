"""Carriers' content controls, by carrier and date."""

from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import LinkState


def fires(link: LinkState) -> bool:
    """This carrier takes no texts with links."""
    return link is LinkState.FORBIDDEN


RULE = Rule(
    name="links_accepted",
    duty="D-037",
    fires=fires,
    zh="该运营商不接受带链接的短信",
    en="This carrier takes no texts with links",
    remedy_zh="删除链接,或改由其他方式提供",
    remedy_en="Remove the link",
)
