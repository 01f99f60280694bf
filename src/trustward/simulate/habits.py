"""Which device and network address a person uses at a moment: compiled, as every act asks for it."""

from __future__ import annotations

from trustward.base.jit import kernel as compiled
from trustward.base.jit import part
from trustward.simulate.draws import Ints, scramble

# Bits of a whole network address, most significant byte first.
_HOMES = 10 << 24
_CARRIERS = (100 << 24) + (64 << 16)
_OFFICES = (172 << 24) + (16 << 16)
_HOTELS = (192 << 24) + (168 << 16)
_PROXIES = (198 << 24) + (18 << 16)
_IPV6 = 1 << 40
SHARED_DEVICE = 1 << 40
"""Numbers of devices from here on belong to households."""


@part
def _device(account: int, home: int, day: int, pick: int) -> int:
    """The main device (replaced every 500 days), a second one, or the household's; ``pick`` is below 1,000."""
    if pick >= 965 and scramble(home, 6) % 100 < 35:
        return SHARED_DEVICE + home
    second = 1 if pick >= 820 and scramble(account, 5) % 100 < 45 else 0
    age = (day + scramble(account, 3) % 500) // 500
    return account * 64 + (age & 15) * 2 + second


@part
def _address(account: int, home: int, country: int, hour: int, day: int, pick: int, carrier: int, offices: int) -> int:
    """The address at home, at work, on the road or behind a proxy; ``hour`` and ``day`` are local."""
    if pick >= 992:
        return _PROXIES + scramble(account * 8 + day % 8, 15) % 4_096
    if pick < 600 and 9 <= hour < 18 and (day + 3) % 7 < 5 and scramble(account, 4) % 100 < 45:
        # About fifty people share an office.
        return _OFFICES + scramble(scramble(account, 16) % offices * 8 + country, 10) % (1 << 20)
    if pick < 650:
        if home % 100 < 15:
            return _IPV6 + scramble(home, 8)
        # A household's address changes every week.
        lease = home * 64 + (day + home % 7) // 7 % 64
        return _HOMES + lease * 5_209_117 % (1 << 24)
    return _CARRIERS + (country << 18) + scramble(account * 8 + hour // 3, 9) % carrier % (1 << 18)


@compiled
def clients(
    accounts: Ints,
    times: Ints,
    picks: Ints,
    lives: Ints,
    offsets: Ints,
    sizes: Ints,
    offices: int,
    out: Ints,
) -> None:
    """Fill in the device, the address and the country's place of each act: the rows of ``out``.

    Args:
        accounts: who acts.
        times: when, in milliseconds since 1970.
        picks: two draws below 1,000 for each act: those of the addresses first, then those of the devices.
        lives: two rows: the country's place and the household of every account.
        offsets: local time's lead on UTC in milliseconds, by country.
        sizes: residents, by country.
        offices: how many offices a country has.
        out: three rows, one column for each act.
    """
    n = len(accounts)
    for i in range(n):
        account = accounts[i]
        country = lives[0, account]
        home = lives[1, account]
        local = times[i] + offsets[country]
        hour = local // 3_600_000 % 24
        day = local // 86_400_000
        pick = picks[i]
        carrier = max(4, sizes[country] // 40)
        out[0, i] = _device(account, home, times[i] // 86_400_000, picks[n + i])
        if scramble(account * 64 + day // 6, 12) % 1_000 < 15:
            trip = account + day // 6
            away = (country + 1 + scramble(trip, 13) % (len(sizes) - 1)) % len(sizes)
            out[1, i] = _HOTELS + (away << 11) + scramble(trip, 14) % 2_048
            out[2, i] = away
            continue
        out[1, i] = _address(account, home, country, hour, day, pick, carrier, offices)
        if pick >= 996:
            # Proxies abroad.
            trip = account + day // 6
            out[2, i] = (country + 1 + scramble(trip, 13) % (len(sizes) - 1)) % len(sizes)
        else:
            out[2, i] = country
