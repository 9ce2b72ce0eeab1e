"""Which key pays: servers on one database pay from one account, or all but one pay nothing."""

from config.postgres import Database

# A server that got another key goes on with that.
_CLAIM = """
INSERT INTO paying_account AS known (network, address, server) VALUES ($1, $2, $3)
ON CONFLICT (network) DO UPDATE SET address = excluded.address, since = now()
    WHERE known.server = excluded.server AND known.address <> excluded.address
"""

_KNOWN = "SELECT address FROM paying_account WHERE network = $1"


async def paying_account(database: Database, network: str, address: str, server_id: str) -> str:
    """The account that money is paid from: this one, if nobody was first with another one.

    Whoever has another key would find nothing on its account of what the books say, and would take
    the others' payouts for ones that it is to sign.

    Args:
        database: that of all servers.
        network: its name (`network_name`).
        address: the account of our signer.
        server_id: who we are.
    """
    await database.execute(_CLAIM, network, address, server_id)
    known: str = await database.fetchval(_KNOWN, network)
    return known
