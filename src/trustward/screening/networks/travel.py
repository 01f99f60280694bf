"""How fast somebody would have had to travel between two places."""

from __future__ import annotations

from math import asin, cos, isfinite, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088
"""The earth's mean radius (R1 of GRS 80: H. Moritz, Geodetic Reference System 1980, Journal of Geodesy 74, 2000; the
figure that the IUGG recommends). A sphere errs by up to 0.6 % against the ellipsoid."""
MICROSECONDS_PER_HOUR = 3_600_000_000
_SHORTEST_US = 1_000_000


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float | None:
    """The distance of two places along the surface in kilometres, or None if a coordinate cannot be.

    Latitudes and longitudes are in degrees, -90 to 90 and -180 to 180. The formula is the haversine (R. W. Sinnott,
    Virtues of the Haversine, Sky and Telescope 68, 1984), exact for near places.

    >>> round(distance_km(1.3521, 103.8198, 51.5074, -0.1278))
    10848
    """
    if not all(map(isfinite, (lat1, lon1, lat2, lon2))):
        return None
    if max(abs(lat1), abs(lat2)) > 90 or max(abs(lon1), abs(lon2)) > 180:
        return None
    first, second = radians(lat1), radians(lat2)
    across = sin((second - first) / 2) ** 2
    along = cos(first) * cos(second) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(across + along)))


def travel_speed(lat1: float, lon1: float, t1: int, lat2: float, lon2: float, t2: int) -> float | None:
    """The speed in km/h between two sightings, or None if a coordinate cannot be.

    Times are microseconds since 1970, in either order; less than a second counts as a second. An airliner makes about
    900 km/h. Places told from network addresses err by tens of kilometres and more: ask for a distance too.

    >>> round(travel_speed(1.35, 103.82, 0, 51.51, -0.13, 3_600_000_000))
    10848
    """
    return speed_over(lat1, lon1, lat2, lon2, abs(t2 - t1))


def speed_over(lat1: float, lon1: float, lat2: float, lon2: float, elapsed_us: int) -> float | None:
    """The speed in km/h between two places within a time in microseconds; less than a second counts as a second."""
    distance = distance_km(lat1, lon1, lat2, lon2)
    if distance is None:
        return None
    return distance * MICROSECONDS_PER_HOUR / max(abs(elapsed_us), _SHORTEST_US)
