"""Token servers: Entra for Business Central, and ServiceTitan's own.

Both are an `App`, remember what they issued, and answer `authorise(token)` for the simulator behind them.
What each does not model stands at the top of its module.
"""

from stsync.sandbox.tokens.entra import Entra
from stsync.sandbox.tokens.issued import IssuedTokens
from stsync.sandbox.tokens.servicetitan import ServiceTitanAuth

__all__ = ["Entra", "IssuedTokens", "ServiceTitanAuth"]
