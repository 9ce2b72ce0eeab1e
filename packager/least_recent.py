"""A table that forgets what was not asked for the longest, bounded by weight."""

from collections import OrderedDict


class LeastRecent[K, V]:
    """Each entry has a weight; together they stay within `weight_max`."""

    def __init__(self, weight_max: int) -> None:
        self._weight_max = weight_max
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep an entry; one that is heavier than all may be is not kept."""
        self.drop(key)
        if weight > self._weight_max:
            return
        self._entries[key] = (value, weight)
        self.weight += weight
        while self.weight > self._weight_max:
            _, (_, dropped) = self._entries.popitem(last=False)
            self.weight -= dropped

    def drop(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.weight -= entry[1]
