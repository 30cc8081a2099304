"""The things that the model knows: their names, synonyms and icons.

Names and icons come from Fluent Emoji (flat and high contrast, MIT) and Material Design Icons
(Apache-2.0), both as npm packages of Iconify; synonyms are those keywords on which emojibase-data
(MIT) and emojilib (MIT) agree and which mean no other thing.
"""

import json
import re
from collections import Counter, defaultdict

from . import palette

# The first things, by name: their icons of Material Design Icons.
FIRST = {
    "cat": "cat",
    "dog": "dog-side",
    "elephant": "elephant",
    "duck": "duck",
    "fish": "fish",
    "rabbit": "rabbit",
    "bird": "bird",
    "snail": "snail",
    "butterfly": "butterfly",
    "car": "car-side",
    "truck": "truck",
    "rocket": "rocket",
    "airplane": "airplane",
    "sailboat": "sail-boat",
    "house": "home",
    "castle": "castle",
    "tree": "pine-tree",
    "palm tree": "palm-tree",
    "flower": "flower",
    "cactus": "cactus",
    "mushroom": "mushroom",
    "apple": "food-apple",
    "cherry": "fruit-cherries",
    "ice cream": "ice-cream",
    "cup": "coffee",
    "heart": "heart",
    "star": "star",
    "moon": "moon-waning-crescent",
    "sun": "white-balance-sunny",
    "cloud": "cloud",
    "umbrella": "umbrella",
    "lightning bolt": "lightning-bolt",
    "crown": "crown",
    "key": "key",
    "bell": "bell",
    "anchor": "anchor",
    "ghost": "ghost",
    "leaf": "leaf",
    "diamond": "diamond",
    "circle": "circle",
    "square": "square",
    "triangle": "triangle",
    "guitar": "guitar-acoustic",
    "puzzle piece": "puzzle",
}
# The packages of npm to unpack, by folder name.
PACKAGES = {
    "fluent-emoji-flat": "@iconify-json/fluent-emoji-flat@1.2.6",
    "fluent-emoji-high-contrast": "@iconify-json/fluent-emoji-high-contrast@1.2.6",
    "mdi": "@iconify-json/mdi@1.2.3",
    "emojibase-data": "emojibase-data@17.0.0",
    "emojilib": "emojilib@4.0.3",
}
CATEGORIES = ("Animals & Nature", "Food & Drink", "Activities", "Travel & Places", "Objects")
# Those whose emoji has another name; None where no emoji fits.
EMOJI_OF = {
    "car": "automobile",
    "truck": "delivery-truck",
    "tree": "evergreen-tree",
    "flower": "blossom",
    "apple": "red-apple",
    "cherry": "cherries",
    "ice cream": "soft-ice-cream",
    "cup": "hot-beverage",
    "heart": "red-heart",
    "moon": "crescent-moon",
    "lightning bolt": "high-voltage",
    "leaf": None,
    "diamond": None,
    "circle": None,
    "square": None,
    "triangle": None,
}
RENAMED = {
    "t-rex": "dinosaur",
    "steaming-bowl": "soup",
    "ear-of-corn": "corn",
    "tangerine": "mandarin",
    "two-hump-camel": "camel",
    "spouting-whale": "spouting whale",
    "hot-pepper": "chili pepper",
    "game-die": "die",
    "gem-stone": "gem",
    "couch-and-lamp": "couch",
    "articulated-lorry": "lorry",
    "small-airplane": "small plane",
    "classical-building": "temple",
    "ringed-planet": "planet",
    "meat-on-bone": "meat",
    "wrapped-gift": "gift",
    "pool-8-ball": "billiard ball",
    "flag-in-hole": "golf flag",
    "bowl-with-spoon": "bowl",
    "hourglass-not-done": "hourglass",
    "magnifying-glass-tilted-left": "magnifying glass",
    "globe-showing-europe-africa": "globe",
    "mantelpiece-clock": "mantel clock",
    "cup-with-straw": "soft drink",
}
# Not things of their own: variants of another, scenes, signs, or names with the captions' words.
SKIPPED = re.compile(
    r"oclock|thirty|-face$|sun-behind|^oncoming|globe-showing-a|globe-with|mailbox|-moon$|moon-face"
    r"|moon-viewing|book$|-tray$|speaker|medal$|post-office|^page|card|^chart|with-lightning|locked"
    r"|with-rain|with-snow|nest-with|japan|cityscape|sunrise|sunset|bridge-at|night|foggy|milky"
    r"|banknote|clinking|hourglass-done|airplane-|book|suit$|envelope-|incoming|with-slash|map"
    r"|^front|^hatching|^guide|^service|wilted|tilted-right|with-arrow|with-flash|umbrella-"
    r"|kitchen|suspension|mountain-rail|tram-|light-rail|high-speed|monorail|metro|station"
    r"|^bus-stop|construction|pig-nose|piata|mahjong|joker|hamsa|nazar|rugby|softball|stuffed"
    r"|martial|cricket-game|field-hockey|notebook|musical-notes|rolled-up|-with-decorative|fog$"
    r"|microbe|curly|tokyo|statue|hindu|synagogue|kaaba|shinto|mosque|wind-face|seat$|elevator"
    r"|cherry-blossom|^bug$|deciduous|^ewe|^ox$|^ram$|^boar$|poodle|water-buffalo|spiral-shell"
    r"|brown-mushroom|beverage-box|canned|curry|cooking|custard|cooked|flatbread|fondue|fried"
    r"|moon-cake|^mate$|oden|pouring|rice-cracker|^sake|shaved|shortcake|takeout|tamale|tumbler"
    r"|admission|curling|flying-disc|goal-net|^ice-hockey|pine-dec|reminder|running-shirt|slot-m"
    r"|tanabata|tropical-drink|aerial|auto-rick|convenience|department|desert-i|fuel-p|love-hotel"
    r"|cableway|national-park|motorway|mount-fuji|office|railway|skis|snow-capped|snowman-with"
    r"|sport-util|stadium|trolleybus|adhesive|alembic|broken-chain|clutch|computer-disk|control-k"
    r"|diya|^e-mail|fax|file-|film-|funeral|hair-pick|high-heeled|lab-coat|level-slider|^link"
    r"|long-drum|low-battery|^memo|moai|musical-(key|score)|open-file|optical|postal|prayer"
    r"|round-push|sari$|satellite-ant|shopping-bags|spiral-|studio|telephone-rec|tear-off|thong"
    r"|trackball|triangular|video-camera|water-pistol|womans-(clothes|sandal)|x-ray|timer-clock"
    r"|placard|full-moon|-button|wind-chime|performing|sparkles|wedding|houses|derelict"
)
# Words of the keyword lists that say something about a thing and do not name it.
NO_NAMES = set(
    """pretty european serve bright sunny password scary interlocking pester dam herd hump reef moo
    shedding flipper peace plumage flight rotting maggot fall lucky spots capricorn silly honk spiny
    equestrian racehorse tentacles sting joey jump leo buddhism hinduism tusk malaria fever playful
    wise taurus talk feet ostentatious arctic nurturing grow curious sly aries male young stink lazy
    slow ophiuchus serpent stripe aquarius launch royalty female legume beans wild thanksgiving
    parasite wheat schmear straw dairy wrap pickle chip frying cancer crescent roll melted prophecy
    spice moisturizer cube claws festival nut pepperoni filling bone spill twisted noodle wrapped
    iron indecisive birdie hoop expendable dupe scuba snorkeling explosive skating soar tangled
    twine sports wizard glitter russia hooray bamboo eight athletics sash embroidery tailoring
    gambling casino banner stuffed string stub crochet fluctuate semi tuk haircut mortar speed
    orienteering navigation twister sweat drop burn steaming steam packing highway city parasail
    skydive play patrol revolving pride lgbt float saturnine saturn heavy theme octagonal
    recreational whirlwind eruption turn calculation squeeze split education justice stringed
    farming laundry sleep swim repercussion rebound break sweeping underwater burp date sit
    smoking compress dead treasure silver disability mobility drumsticks evolution genetics front
    electricity filing extinguish quench ashes protection swimming backpacking ensnare selling
    scientist climb rung idea cosmetics rhythm electronic drained attraction percussion cheering
    sing soldier warrior reflection karaoke cell hollywood record bacteria biology mining drugs
    suction religion sharp bookkeeping accounting engagement engaged location map diaper punk
    neck cutting screw lather edge dark vaccination casual chest hygiene dental set filling
    transparent opening skeleton medical eyewear revolver stocking guanaco lavender cheer garden
    capsicum fashion athletic absorbing porous fall kidney tableware culture shellfish wild
    container sauce jug queen toast cabbage theme sticks art museum target dart hooray pool
    one bearer nose store death lit gay solid hurt life optical hand welding catch crook step proud
    purity calm virus rays king royal halloween fungus irish wool annelid cooking seafood beverage
    bull goal admission plush clay rescue chop weight picnic army bait film evidence proof wedding
    emergency math shot teeth brush mail force fresh frame metal gold speculum shampoo film maze
    climbing snare crescent monster pirate stein citrus liquor kebab potter cask vat shaved shave
    """.split()
)
PER_THING = 2  # synonyms at most


class Thing:
    """A thing: names (the first is its own), and icons by name or None."""

    def __init__(self, names, emoji, silhouette, outline):
        self.names, self.emoji = names, emoji
        self.silhouette, self.outline = silhouette, outline


def read(root, *path):
    return json.loads(root.joinpath(*path).read_text())


class Sources:
    """The unpacked packages."""

    def __init__(self, root):
        self.flat = read(root, "fluent-emoji-flat", "icons.json")
        self.contrast = read(root, "fluent-emoji-high-contrast", "icons.json")
        self.mdi = read(root, "mdi", "icons.json")
        self.categories = read(root, "fluent-emoji-flat", "metadata.json")["categories"]
        self.keywords = self.agreed(
            read(root, "emojibase-data", "en", "data.json"),
            read(root, "emojilib", "dist", "emoji-en-US.json"),
        )

    @staticmethod
    def agreed(base, lib):
        """Keywords by icon name on which both lists agree."""
        out = {}
        for entry in base:
            name = re.sub(r"[^a-z0-9]+", "-", entry["label"].lower()).strip("-")
            plain = lambda words: {w.replace("_", " ").lower() for w in words}
            out[name] = plain(entry.get("tags", [])) & plain(lib.get(entry["emoji"], []))
        return out

    def mdi_name(self, *names):
        """The first of these names that is a filled icon's."""
        for name in names:
            name = name.replace(" ", "-")
            if name in self.mdi["icons"]:
                return name
        return None


def forbidden_words():
    """Words that mean something else in a caption."""
    words = set(palette.COLOUR_NAMES) | {"small", "large", "emoji", "outline", "silhouette", "flat"}
    for place, _, _ in palette.PLACES:
        words |= set(place.split())
    return words | {"background", "picture", "two", "and", "next", "to", "with", "of"}


def chosen(sources):
    """All things, those of FIRST first."""
    things, taken = [], set()
    for name, icon in FIRST.items():
        emoji = EMOJI_OF.get(name, name.replace(" ", "-"))
        line = emoji if emoji else sources.mdi_name(f"{icon}-outline")
        things.append(Thing([name], emoji, icon, line))
        taken |= {name, emoji}
    for category in CATEGORIES:
        for icon in sources.categories[category]:
            name = RENAMED.get(icon, icon.replace("-", " "))
            if icon in taken or name in taken or (SKIPPED.search(icon) and icon not in RENAMED):
                continue
            if icon not in sources.contrast["icons"] or len(name.split()) > 2:
                continue
            if set(name.split()) & forbidden_words() or not re.fullmatch("[a-z ]+", name):
                continue
            things.append(Thing([name], icon, sources.mdi_name(name, icon), icon))
            taken |= {name, icon}
    add_synonyms(things, sources)
    return things


def add_synonyms(things, sources):
    """Gives every thing the keywords that no other thing has."""
    owners = Counter()
    wanted = defaultdict(list)
    for thing in things:
        for word in sorted(sources.keywords.get(thing.emoji, ())):
            owners[word] += 1
            wanted[thing].append(word)
    names = {t.names[0] for t in things}
    parts = {w for n in names for w in n.split()}
    for thing in things:
        free = [
            w
            for w in wanted[thing]
            if owners[w] == 1
            and re.fullmatch("[a-z]{3,12}", w)
            and w not in parts
            and w + "s" not in parts
            and w not in forbidden_words() | NO_NAMES
        ]
        thing.names += sorted(free, key=len, reverse=True)[:PER_THING]
