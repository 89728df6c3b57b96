"""What queries should answer, worked out from the list of all entries alone, after docs/semantics.md: every lens, setting and
option. Slow and plain."""
import json
import math
from datetime import datetime, timedelta, timezone
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(text):
    """Microseconds since 1970 of an RFC 3339 time in UTC."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.strptime(text, form).replace(tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def by_bytes(source):
    return (source or "").encode()


def conflict_of(shares):
    if len(shares) < 2:
        return 0
    entropy = -sum(p * math.log2(p) for p in shares if p > 0) / math.log2(len(shares))
    return min(1, max(0, round(entropy, 12)))


def status_of(count, conflict):
    return "unanimous" if count == 1 else "agreed" if conflict < 0.5 else "contested"


class Item:
    """An assertion as a query sees it."""

    def __init__(self, fact, confidence, trust, tier):
        self.fact, self.confidence, self.trust, self.tier = fact, confidence, trust, tier
        self.seq, self.source, self.value = fact["seq"], fact.get("source"), fact["value"]
        self.level = 0


class Groups:
    def __init__(self, heads, tolerance=None):
        heads = sorted(heads, key=lambda h: (by_bytes(h.source), -h.seq))
        clusters = {}
        for head in heads:
            clusters.setdefault(canonical(head.value), []).append(head)
        if tolerance:
            clusters = self.chain(clusters, tolerance)
        self.list = []
        for members in clusters.values():
            members.sort(key=lambda h: (by_bytes(h.source), -h.seq))
            winner = max(members, key=lambda h: (h.confidence, h.seq))
            self.list.append({"heads": members, "winner": winner, "weight": sum(h.confidence * h.trust for h in members)})
        self.rank()
        total = sum(g["weight"] for g in self.list)
        self.shares = [g["weight"] / total if total else 1 / len(self.list) for g in self.list]
        self.conflict = conflict_of(self.shares)
        self.status = status_of(len(self.list), self.conflict)

    @staticmethod
    def chain(clusters, tolerance):
        """Numbers sorted; neighbours at most the tolerance apart share a cluster."""
        numbers = sorted((Decimal(repr(c[0].value)), key) for key, c in clusters.items() if is_number(c[0].value))
        joined, last = {key: c for key, c in clusters.items() if not is_number(c[0].value)}, None
        for number, key in numbers:
            if last is None or number - last > tolerance:
                place = key
                joined[place] = []
            joined[place] += clusters[key]
            last = number
        return joined

    def rank(self):
        rest, done = list(self.list), []
        while rest:
            top = max(g["weight"] for g in rest)
            tied = sorted((g for g in rest if top - g["weight"] <= 1e-9), key=lambda g: -g["winner"].seq)
            for group in tied:
                for head in group["heads"]:
                    head.level = top if top > 1e-9 else 0
            done += tied
            rest = [g for g in rest if top - g["weight"] > 1e-9]
        self.list = done

    def sources(self, group):
        return list(dict.fromkeys(h.source for h in group["heads"]))


class Model:
    """`entries` are those of the feed, by seq. Retractions are known by `ids` alone."""

    def __init__(self, entries):
        self.entries = entries
        self.by_id = {e["id"]: e for e in entries}
        self.known = {}  # what was worked out before

    def standing(self, retraction, snapshot):
        return not any(e["kind"] == "reinstatement" and e["seq"] <= snapshot and
                       e["request"]["retraction_id"] == retraction["id"] for e in self.entries)

    def covering(self, fact, snapshot):
        return [e for e in self.entries if e["kind"] == "retraction" and fact["seq"] < e["seq"] <= snapshot and
                fact["id"] in e["request"]["ids"]]

    def retracted_by(self, fact, snapshot):
        """The earliest retraction that stands; None: it is active."""
        key = fact["seq"], snapshot
        if key not in self.known:
            self.known[key] = next((r for r in self.covering(fact, snapshot) if self.standing(r, snapshot)), None)
        return self.known[key]

    def active(self, fact, snapshot):
        return self.retracted_by(fact, snapshot) is None

    def setting_entry(self, about, predicate, snapshot):
        key = about, predicate, snapshot
        if key not in self.known:
            self.known[key] = next((e for e in reversed(self.entries[:snapshot]) if about and e["kind"] == "assertion" and
                                    e["concept_path"] == about and e["predicate"] == predicate and self.active(e, snapshot)), None)
        return self.known[key]

    def setting(self, about, predicate, snapshot):
        entry = self.setting_entry(about, predicate, snapshot)
        return entry and entry["value"]

    def aliases(self, path, snapshot):
        paths = {e["concept_path"] for e in self.entries[:snapshot] if e.get("predicate") == "stemedb.same_as"}
        edges = [(p, self.setting(p, "stemedb.same_as", snapshot)) for p in paths]
        found = {path}
        while True:
            more = {b for a, b in edges if a in found and b} | {a for a, b in edges if b in found}
            if more <= found:
                return found
            found |= more

    # --- a query ---

    def decay(self, fact, query, snapshot, moment):
        """What confidence is multiplied by."""
        half_life = self.setting(fact.get("source"), "stemedb.half_life_days", snapshot)
        if not query.get("decay") or not half_life:
            return 1
        age = moment - micros(fact.get("observed_at", fact["timestamp"]))
        if age <= 0:
            return 1
        mantissa, exponent = math.frexp(math.exp2(-(age / 86400e6) / half_life))
        return math.ldexp(math.floor(math.ldexp(mantissa, 40) + 0.5), exponent - 40)

    def item(self, fact, query, snapshot, moment):
        source = fact.get("source")
        trust = self.setting(source, "stemedb.trust", snapshot)
        trust = query.get("trust_override", {}).get(source or "", 1 if trust is None else trust)
        tier = self.setting(source, "stemedb.tier", snapshot)
        confidence = fact.get("confidence", 1) * self.decay(fact, query, snapshot, moment)
        return Item(fact, confidence, trust, 3 if tier is None else tier)

    @staticmethod
    def refused_by(item, query):
        """The filter that leaves it out; None: it passes."""
        fact = item.fact
        if "source" in query and query["source"] != item.source:
            return "source"
        if item.source in query.get("exclude_sources", []):
            return "exclude_sources"
        if "valid_at" in query:
            at = micros(query["valid_at"])
            if "valid_from" in fact and at < micros(fact["valid_from"]) or "valid_to" in fact and at >= micros(fact["valid_to"]):
                return "valid_at"
        return None if item.confidence >= query.get("min_confidence", 0) else "min_confidence"

    def items(self, query, snapshot, moment):
        path = query["concept_path"]
        paths = self.aliases(path, snapshot) if query.get("aliases") else {path}
        for e in self.entries[:snapshot]:
            if e["kind"] != "assertion" or query.get("predicate", e["predicate"]) != e["predicate"]:
                continue
            below = query.get("match") == "subtree" and e["concept_path"].startswith(path + "/")
            if e["concept_path"] in paths or below:
                item = self.item(e, query, snapshot, moment)
                if not self.refused_by(item, query):
                    yield item

    def answer(self, query, snapshot, moment):
        """The seqs of `assertions` over all pages, and `resolved`."""
        lens, subtree = query.get("lens", "recency"), query.get("match") == "subtree"
        topics = {}
        for item in self.items(query, snapshot, moment):
            concept = item.fact["concept_path"] if subtree else query["concept_path"]
            topics.setdefault((concept.encode(), item.fact["predicate"].encode()), []).append(item)
        everything = lens == "timeline" or query.get("include_retracted")
        listed, resolved = [], []
        for place in sorted(topics):
            topic = Topic(self, place, topics[place], lens, snapshot)
            shown = [i for i in topic.items if everything or topic.is_active[i.seq]]
            shown = [(topic.rank(lens, i), i.seq) for i in shown]
            if lens == "timeline":
                shown += [((e["seq"],), e["seq"]) for e in topic.events()]
            shown.sort(reverse=lens != "timeline")
            if shown and topic.heads and lens != "timeline":
                resolved.append((shown[0][1], topic.resolve(lens)))
            listed += [(place if subtree else (), i) for i in shown]
        if not subtree:
            listed = sorted(listed, key=lambda x: x[1], reverse=lens != "timeline")
        order = {}
        for _, (_, seq) in listed:
            order.setdefault(seq, len(order))
        resolved.sort(key=lambda r: order[r[0]])
        seqs = [seq for _, (_, seq) in listed]
        if not subtree and lens == "timeline":
            seqs = list(dict.fromkeys(seqs))  # an event of several predicates is listed once
        return seqs, [r for _, r in resolved]

    # --- why ---

    def origin(self, out, name, source, snapshot, override):
        setting = self.setting_entry(source, "stemedb." + name, snapshot)
        out[name + "_from"] = "trust_override" if override else "setting" if setting else "default"
        if setting and not override:
            out[name + "_seq"] = setting["seq"]

    def explain(self, query, snapshot, moment, concept, predicate):
        """What `explain` says of a topic that was resolved; of a source not more than 20 others, as long as there are 200."""
        paths = self.aliases(concept, snapshot) if query.get("aliases") else {concept}
        found = [self.item(e, query, snapshot, moment) for e in self.entries[:snapshot]
                 if e["kind"] == "assertion" and e["concept_path"] in paths and e["predicate"] == predicate]
        items = [i for i in found if not self.refused_by(i, query)]
        topic = Topic(self, (concept.encode(), predicate.encode()), items, "recency", snapshot)

        def told(item):
            return {"id": item.fact["id"], "seq": item.seq, "source": item.source}

        def sure(item):
            decay = {"decay": self.decay(item.fact, query, snapshot, moment)} if query.get("decay") else {}
            return {"value": item.value, "asserted_confidence": item.fact.get("confidence", 1), **decay, "confidence": item.confidence}
        considered, left_out, complete = [], [], True
        for number, group in enumerate(topic.groups.list):
            for head in group["heads"]:
                out = {**told(head), **sure(head), "trust": head.trust, "tier": head.tier,
                       "weight": head.confidence * head.trust, "group": number}
                self.origin(out, "trust", head.source, snapshot, (head.source or "") in query.get("trust_override", {}))
                self.origin(out, "tier", head.source, snapshot, False)
                considered.append(out)
        heads = {h.seq: h for h in topic.heads}
        runs = {}
        for item in sorted(found, key=lambda i: (i.fact["concept_path"].encode(), by_bytes(i.source), -i.seq)):
            of_source = runs.setdefault((item.fact["concept_path"], item.source), [0])
            if of_source[0] == 20 or len(left_out) + len(considered) - len(heads) == 200:
                complete = False
                continue
            retraction, refused = self.retracted_by(item.fact, snapshot), self.refused_by(item, query)
            of_source[0] += retraction is not None or refused is not None or item.seq not in heads
            if retraction:
                left_out.append({**told(item), "reason": "retracted", "retraction": {
                    "id": retraction["id"], "reason": retraction["request"]["reason"], "timestamp": retraction["timestamp"]}})
            elif refused:
                more = {"confidence": item.confidence} if refused == "min_confidence" else {}
                if refused == "valid_at":
                    more = {name: item.fact[name] for name in ("valid_from", "valid_to") if name in item.fact}
                left_out.append({**told(item), "reason": refused, **more})
            elif item.seq not in heads:
                by = [h for h in topic.heads if h.source == item.source and (not topic.many or canonical(h.value) == canonical(item.value))]
                considered.append({**told(item), **sure(item), "weight": 0, "superseded_by": by[0].fact["id"]})
        return {"considered": considered, "left_out": left_out, "complete": complete}

    # --- what would be, and who agrees ---

    def topics(self, snapshot):
        """Items by (path, predicate) of all that is active."""
        out = {}
        for e in self.entries[:snapshot]:
            if e["kind"] == "assertion" and self.active(e, snapshot):
                out.setdefault((e["concept_path"].encode(), e["predicate"].encode()), []).append(self.item(e, {}, snapshot, None))
        return out

    def believed(self, place, lens, snapshot, topics):
        if place not in topics:
            return None
        out = Topic(self, place, topics[place], lens, snapshot).resolve(lens)
        return {name: out[name] for name in out if name not in ("concept_path", "predicate")}

    def dry_run(self, covered, lens):
        """Counts, topics and flips of a retraction that covers these."""
        now = len(self.entries)
        then = Model(self.entries + [{"kind": "retraction", "id": "", "seq": now + 1, "request": {"ids": [e["id"] for e in covered]}}])
        lost = [e for e in covered if self.active(e, now)]
        before, after, flips = self.topics(now), then.topics(now + 1), []
        touched = sorted({(e["concept_path"].encode(), e["predicate"].encode()) for e in lost})
        for place in touched:
            old, new = self.believed(place, lens, now, before), then.believed(place, lens, now + 1, after)
            if old and new and "winner" in old and "winner" in new:
                flip = canonical(old["value"]) != canonical(new["value"])
            else:
                flip = not same(old, new)
            if flip:
                flips.append({"concept_path": place[0].decode(), "predicate": place[1].decode(), "before": old, "after": new})
        return len(lost), len(touched), flips

    def sources(self, snapshot):
        """{source: assertions, active, topics, agreeing, trust, tier}."""
        out = {}
        for e in self.entries[:snapshot]:
            if e["kind"] == "assertion":
                item = self.item(e, {}, snapshot, None)
                line = out.setdefault(item.source, {"assertions": 0, "active": 0, "topics": 0, "agreeing": 0, "trust": item.trust, "tier": item.tier})
                line["assertions"] += 1
                line["active"] += self.active(e, snapshot)
        for place, items in self.topics(snapshot).items():
            topic = Topic(self, place, items, "consensus", snapshot)
            winners = topic.groups.sources(topic.groups.list[0])
            for source in {h.source for h in topic.heads}:
                out[source]["topics"] += 1
                out[source]["agreeing"] += topic.many or source in winners
        return out


class Topic:
    def __init__(self, model, place, items, lens, snapshot):
        self.model, self.items, self.snapshot = model, items, snapshot
        self.concept, self.predicate = (part.decode() for part in place)
        about = "predicate/" + self.predicate
        self.many = model.setting(about, "stemedb.cardinality", snapshot) == "many"
        tolerance = model.setting(about, "stemedb.tolerance", snapshot)
        tolerance = Decimal(repr(tolerance)) if tolerance else None
        self.is_active = {i.seq: model.active(i.fact, snapshot) for i in items}
        newest = {}
        for item in items:  # by seq
            if self.is_active[item.seq]:
                newest[(item.source, canonical(item.value) if self.many else None)] = item
        self.heads = list(newest.values())
        self.groups = Groups(self.heads, tolerance) if self.heads else None
        self.layers, self.votes = [], None
        if lens == "layered" and self.heads:
            for tier in sorted({h.tier for h in self.heads}):
                self.layers.append((tier, Groups([h for h in self.heads if h.tier == tier], tolerance)))
            votes = [Item(g.list[0]["winner"].fact, 1, 1, 0) for _, g in self.layers]
            self.votes = Groups(votes, tolerance)

    def events(self):
        found = {}
        for item in self.items:
            for r in self.model.covering(item.fact, self.snapshot):
                found[r["seq"]] = r
                for e in self.model.entries[:self.snapshot]:
                    if e["kind"] == "reinstatement" and e["request"]["retraction_id"] == r["id"]:
                        found[e["seq"]] = e
        return found.values()

    def rank(self, lens, item):
        if lens == "timeline":
            return (item.seq,)
        keys = {"recency": (), "confidence": (item.confidence,), "authority": (item.trust, item.confidence),
                "layered": (-item.tier, item.level, item.confidence)}
        return keys.get(lens, (item.level, item.confidence)) + (item.seq,)

    def resolve(self, lens):
        groups = self.groups
        out = {"concept_path": self.concept, "predicate": self.predicate, "conflict": groups.conflict,
               "status": groups.status}
        if lens == "skeptic":
            out["candidates"] = [{"value": g["winner"].value, "share": s, "sources": groups.sources(g)}
                                 for g, s in zip(groups.list, groups.shares)]
        if self.many:
            out["conflict"], out["status"] = 0, "unanimous" if len(groups.list) == 1 else "agreed"
            out["values"] = [{"value": g["winner"].value, "confidence": g["winner"].confidence,
                              "sources": groups.sources(g)} for g in groups.list]
            return out
        if lens == "layered":
            out["conflict"], out["status"] = self.votes.conflict, self.votes.status
            out["layers"] = [{"tier": tier, **self.choice(g.list[0]["winner"], g.shares[0]), "conflict": g.conflict,
                              "status": g.status} for tier, g in self.layers]
            first = self.layers[0][1]
            return {**out, **self.choice(first.list[0]["winner"], first.shares[0])}
        if lens in ("consensus", "skeptic"):
            return {**out, **self.choice(groups.list[0]["winner"], groups.shares[0])}
        best = max((i for i in self.items if self.is_active[i.seq]), key=lambda i: self.rank(lens, i))
        return {**out, **self.choice(best, best.confidence)}

    @staticmethod
    def choice(winner, confidence):
        return {"value": winner.value, "confidence": confidence, "winner": winner.fact["id"]}


def same(got, wanted):
    """Equal, numbers within 1e-9."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(same(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, (list, tuple)):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(same, got, wanted))
    if is_number(wanted):
        return is_number(got) and abs(got - wanted) <= 1e-9 * max(1, abs(wanted))
    return got == wanted and type(got) is type(wanted)
