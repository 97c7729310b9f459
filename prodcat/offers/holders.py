"""Products that hold something, such as bottles to drink from, pots, bags and cases.

Their volume says how much they hold, not what is in the pack.  The words are in small letters
without accents; a blank stands between the words of a phrase, and each word is a pattern.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[a-z]+")

# Bottles, cups and cans to drink from or to pour from.
_DRINKING = """
(?:trink|thermo|thermos|isolier|sport|edelstahl|wasser|fahrrad|baby|saug|feld|warm)flaschen?,
(?:iso|isolier|thermos|thermo|tee|kaffee|giess|spritz|servier)kannen?, thermobecher, isolierbecher,
(?:trink|kaffee|reise|zahnputz|mess|mix|trinklern)becher, trinklerntasse, trinklernflasche, tassen?,
kaffeetassen?, teetassen?, karaffen?, wasserkrug, (?:mess|glas)kr(?:ug|uge),
(?:wein|trink|bier|saft|wasser|sekt|cocktail|longdrink|whisky|tee|einmach|weck|sturz)gla(?:s|ser),
vorratsgla(?:s|ser), wasserkanister, reservekanister, benzinkanister,
(?:water|drinking|drinks|sports?|vacuum|insulated|thermos|steel|feeding|baby|hydration|gym|travel)
(?:bottle|flask)s?, (?:reusable|empty|cycling|infant) bottles?, empty spray bottles?, spray bottles?
empty, thermos, ~flasks?, hip flask, sipper, ~shaker, tumblers?, ~mugs?, travel mug, sippy cups?,
(?:paper|plastic|measuring|coffee|tea|disposable|insulated) cups?, teapot, coffee pot, cafetiere,
french press, ~pitcher, (?:measuring|water|glass|filter|mixing|serving|electric) jugs?,
(?:wine|pint|beer|shot|highball|champagne|cocktail|drinking) glass(?:es)?, carafe, decanter,
~gourdes?, bouteilles? (?:isotherme|thermos|inox|reutilisable|sport), bouteilles? de sport,
biberons?, verres? a (?:vin|eau|biere|pied|whisky), verres? (?:doseur|mesureur|jetables?), tasses?,
gobelets? (?:en|de|carton|jetables?|reutilisables?|plastique|inox|papier), gobelets, pichet,
theiere, cafetieres?, thermo cafe, bidon (?:isotherme|velo|sport), botellas?
(?:termicas?|isotermicas?|reutilizables?|deportivas?|termo|infantil|acero|inox), botellas? de
(?:acero|deporte|aluminio), botellas? de agua (?:deportivas?|reutilizables?), cantimplora, termos?,
tazas?, biberon(?:es)?, jarra, vasos?
(?:termicos?|desechables?|infantil|reutilizables?|medidor|alto), cafetera, tetera, vasos? de
(?:papel|plastico|cristal|vidrio|carton|cafe|agua|sidra), borracc(?:ia|e), bottigli[ae]
(?:termica|sportiva|riutilizzabile), tazz(?:a|e|ina|ine), caraffa, bicchier[ei], vas[oi]
(?:vetro|ermetic[oi]|terracotta|fiori), teiera, caffettiera, brocca, drinkfles(?:sen)?,
waterfles(?:sen)?, thermosfles(?:sen)?, isoleerfles, thermosk?kan,
(?:isoleer|thermos|koffie|thee|schenk)kan, (?:drink|isoleer|koffie|thermos|reis)bekers?,
mok(?:ken)?, ^bidons?, (?:zuig|baby|pap|veld|sport)fles(?:sen)?, wijnglazen, drinkglazen, theepot,
maatbeker, jerrycan, garrafas?
(?:termicas?|reutilizave(?:l|is)|isotermicas?|desportivas?|squeeze|inox), garrafa de
(?:aluminio|desporto), cantil, canecas?, chavenas?, biberao, mamadeira, ~jarro, bule, copos?
(?:termicos?|descartave(?:l|is)|medidor), copos? de (?:papel|plastico|vidro|vinho), tacas?, matara,
suluk, kupa, bardagi, bardaklari?, bardak, surahi, demlik, caydanlik, cezve,
"""
# What is cooked, cooled, washed or kept in.
_KITCHEN = """
~topfe?, ^eimer,
~(?:koch|suppen|stiel|schmor|schnellkoch|brat|milch|fleisch|pasta|dampf|einkoch|kaffee|reis)topfe?,
~(?:stiel)?kasserollen?, ~(?:brat|schmor|wok|grill|servier)?pfannen?, wasserkocher, ~mixbehalter,
(?:ruhr|salat|servier|schlag)schusseln?, schusseln?, [a-z]*fritt?euse, mikrowellen?, ~backofen,
(?:mini)?backofen, standmixer, reiskocher, (?:kuhl|gefrier)schrank, gefriertruhe, kuhlbox,
kuhltasche, (?:frischhalte|vorrats|brot|aufbewahrungs|snack|keks|lunch)dosen?,
(?:aufbewahrungs|stapel|lunch|brot|bento|snack|transport|klapp)box(?:en)?, gefrierbeutel,
[a-z]*behalter, staubsauger, vacuum cleaner, aspirateurs?, aspirador(?:es|a)?, aspirapolvere,
stofzuiger, supurge(?:si)?, waschmaschine, waschetrockner, geschirrspuler, ~sauce pans?, saucepans?,
stock pots?, stockpots?, ~(?:frying|saute) pans?, frypan, ~woks?, cooker, slow cooker, cookware,
kadhai, kadai, handi, ~kettles?, air fryers?, airfryers?, fryer, ~(?:mini|toaster|electric|built)
ovens?, ~ovens?, ~microwaves?, fridges?, refrigerators?, refrigerador, ~freezers?, freezer bags?,
washing machine, dishwasher, tumble dryer, ~blenders?, ~juicers?, mixer grinder, mixing bowls?,
~(?:salad|serving|glass|dog) bowls?, lunch box(?:es)?, lunchbox(?:es)?, tiffin, bento box,
(?:food|storage) (?:box(?:es)?|containers?|bag|jars?), food storage containers?, container set,
canisters?, cool(?:er)? (?:box|bag)s?, coolbox(?:es)?, ~cooler, ice bucket, geyser, water heater,
pressure cooker, rice cooker, tupperware, (?:mason|kilner|preserving|storage|cookie|glass) jars?,
~casseroles?, ~faitouts?, ~cocottes?, ~marmites?, ~poeles?, ~sauteuses?, ~woks?, saladiers?,
bouilloires?, friteuses?, autocuiseurs?, cocotte minute, mijoteuse, ~fours?
(?:a|electriques?|encastrables?|micro|multifonctions?|posables?), micro ondes?, refrigerateurs?,
congelateurs?, lave linge, lave vaisselle, seche linge, glacieres?, boites?
(?:a|de|hermetiques?|alimentaires?|repas) (?:provisions?|rangement|lunch|gouter), boites?
(?:hermetiques?|alimentaires?|repas|isotherme), bocal a conserves?, bocaux (?:a|le), ollas?,
~cazuelas?, ~cacerolas?, ~cazos?, ~sarten(?:es)?, hervidor(?:es)?, freidoras?, ~hornos?,
~microondas, neveras?, frigorificos?, congelador(?:es)?, lavadoras?, lavavajillas
(?:integrable|libre), fiambreras?, tapers?, tuppers?, tarteras?, portaalimentos, ~ensaladera, cajas?
(?:almacenaje|organizadoras?), cajas? de (?:almacenaje|almacenamiento|ordenacion), olla express,
bollitor[ei], pentol[ae], ~casseruol[ae], ~padell[ae], ~tegame, friggitric[ei], ~forno, ~microonde,
frigorifer[oi], frigo, frigobar, congelatore, ghiacciaia, lavatric[ei], lavastoviglie da [a-z]+,
portapranzo, schiscetta, contenitor[ei], ciotol[ae], insalatiera, vaschetta ermetica, barattol[oi]
ermetic[oi], kookpan(?:nen)?, steelpan(?:nen)?, soeppan, ~braadpan, ~hapjespan, ~koekenpan, ~wokpan,
snelkookpan, waterkokers?, frituurpan, friteuse, magnetron, koelkast, vriezer, wasmachine,
vaatwasser, koelbox, koeltas, broodtrommels?, lunchtrommel, vershoudbak[a-z]*, vershouddoos,
bewaardoos, bewaarbakken, bewaarbak, voorraadpot, opbergbox(?:en)?, opbergdoos, diepvrieszakjes,
mengkom, slakom, panelas?, ~tachos?, ~cacarolas?, ~frigideiras?, chaleiras?, fritadeiras?, ~fornos?,
~micro ondas, geladeiras?, arca congeladora, maquina de lavar, lavadora, marmitas?, lancheiras?,
saladeira, caixas? (?:organizadoras?|hermeticas?|termicas?|plasticas?), caixas? de arrumacao,
recipientes? (?:hermeticos?|plastico), recipientes? de vidro, geleira, ~tencere(?:si|ler)?, duduklu,
~tava(?:si)?, isitici(?:si)?, fritoz[u]?, airfryer, ~firin(?:i)?, mikrodalga, buzdolabi, dondurucu,
camasir makinesi, bulasik makinesi, saklama (?:kabi|kaplari|kutusu|kutulari), beslenme
(?:kutusu|kabi), sefer tasi, salata kasesi, buzluk, blender, erzak kabi, termal canta,
"""
# Bags, cases, bins and what is used in house and garden.
_BAGS = """
[a-z]*rucksack, rucksacke, [a-z]*koffer, reisetasche, sporttasche, trolley, schulranzen, packsack,
(?:mull|abfall|biomull|restmull|windel)(?:beutel|sacke?|tuten?), windeleimer, (?:ein)?kaufskorb,
(?:mull|tret|abfall|putz|wisch|bio|kosmetik|haushalts|pedal|schwing)eimer, papierkorb, mulltonne,
giesskannen?, blumentopfe?, pflanzkubel, regentonne, aquarium, druckspruher, wascheko(?:rb|rbe),
back packs?, backpacks?, rucksacks?, daypack, duff(?:el|le), holdall, suitcases?, luggage, dry
bags?, drybags?, (?:trash|garbage|bin|rubbish|refuse|compost) (?:can|bag|liner|sack)s?, bin liners?,
dustbins?, bins?, waste basket, (?:laundry|washing) basket,
(?:mop|cleaning|plastic|metal|galvanised|steel) buckets?, ^buckets?, watering can,
(?:soap|water|beverage|drink|juice|cereal|lotion) dispenser, bean bag, sprayers?, planter, flower
pot, vase, sacs? a dos, sacs? (?:poub[a-z]*|congelation|isotherme), sacs? de voyage, poubelles?,
valises?, cartable, ^seaux?, seaux? de menage, arrosoirs?, pulverisateur (?:a|vide), bac (?:de|a)
(?:rangement|linge|fleurs), pot de fleurs, (?:corbeille|panier|coffre) (?:a|de)
(?:linge|papier|rangement|jouets), seaux? (?:plastique|a), mochilas?, maletas?, bolsas? basura,
bolsas? de (?:basura|viaje|congelacion|deporte), cubos? (?:fregona|basura), cubos? de
(?:basura|fregar|fregona|pedal|agua|plastico), ^cubo, cesto de [a-z]+, papelera, regadera, maceta,
pulverizador vacio, acuario, trolley, zain[oi], valigi[ae], borsone, sacch(?:i|etti)
(?:spazzatura|immondizia|nettezza|rifiuti|gelo), sacchi (?:per|della) (?:rifiuti|spazzatura),
pattumier[ae], ^secchio, secchio (?:plastica|in|da|con), cesto (?:da|per), annaffiatoio, vaso da
fiori, acquario, bidone, rugzak(?:ken)?, koffers?, (?:hand|reis)koffer,
(?:reis|sport|strand|fiets|koel|boodschappen|schouder|wandel)tas(?:sen)?, wasmand,
(?:kunststof|mop|dweil) emmers?, (?:vuilnis|afval|pedaalemmer|huisvuil)zak[a-z]*,
(?:pedaal|afval|prullen|vuilnis|dweil|mop)(?:emmer|bak), prullenbak, ^emmers?, gieter, bloempot,
mala de (?:viagem|cabine|mao), malas? viagem, malas? cabine, ^mala, sacos? (?:do|de|para) lixo,
sacos? lixo, ^baldes?, baldes? (?:plastico|com|de), caixotes?, cesto de roupa, regador, aquario,
lixeira, sirt canta[a-z]*, valiz(?:i|ler)?, bavul, (?:cop|plastik|metal|temizlik) kova, ^kova, cop
(?:torbasi|poseti|kovasi|torbalari), saksi, akvaryum, sulama kabi, buzdolabi poseti, camasir sepeti,
"""
# Phrases with these words in which nothing is held: food, drinks, and what cleans the things.
_CONTENTS = """
kettle (?:chips|crisps|brand|foods?|cooked|sea|salt|salted|lightly|popcorn|ridge), kettle [a-z]+
(?:chips|crisps), kettle [a-z]+ [a-z]+ (?:chips|crisps), kettle corn, oven
(?:chips|baked|ready|fries|roasted), microwave (?:popcorn|rice|meal), mug (?:cake|shot|soup),
(?:mineral|spring|still|sparkling|coconut|tonic|soda|purified|flavoured|alkaline) water bottles?,
wine cooler, slow cooker (?:sauce|mix|recipe), casserole (?:mix|sauce|recipe), gourdes?
(?:compotes?|fruits?|pommes?), gourdes? de [a-z]+, compotes? gourdes?, (?:compote|puree|yaourt)s? en
gourdes?, a boire gourdes?, bardak (?:su|ayran|misir), su bardak, pet bardak su, four a pain, au
four, al forno, al horno, no forno, ao forno, da forno, de horno, para horno, per forno, cotto a
forno, forno a legna, petits? fours?, marmite (?:yeast|spread), heisse tasse, bidon
(?:huile|lessive|d), bidon de [a-z][a-z][a-z]+, taza de chocolate, chocolate a la taza, tasse soupe,
cubo de caldo, cubos? (?:caldo|calditos|hielo), cubo (?:caldo|hielo), taca (?:gelado|mousse)
"""
# Words of what cleans, scales off or refreshes the things, so that the volume is its own.
_CARE = re.compile(
    r"\b(?:[a-z]*(?:reiniger|entkalker|entkalkung|frischer|pflege(?!leicht)|politur|spulmittel|"
    r"waschmittel|weichspuler|klarspuler|frostschutz|aufbereiter|desinfektion|duft)|"
    r"backofenspray|spulmaschinen(?:tabs|salz|pulver|gel)|(?<!vacuum )cleaners?|cleanser|"
    r"cleaning (?:fluid|liquid|solution|gel|vinegar)|descaler|weed ?killer|herbicide|desherbant|"
    r"unkraut[a-z]*|insecti[cz]id[aeo]?|fertili[sz]er|engrais|[a-z]*dunger|fertilizante|"
    r"descaling|freshener|deodori[sz]er|polish|dishwasher (?:liquid|gel|detergent|salt|tablets)|"
    r"dish soap|washing up|washing (?:liquid|powder|gel)|rinse aid|softener|conditioner|"
    r"sprays?(?! (?:bottle|gun))|detartrant|nettoyant|decapant|degraissant|desodorisant|lessive|"
    r"assouplissant|adoucissant|limpia(?!bl)[a-z]+|limpia|limpa|desengrasante|desincrustante|"
    r"(?<!filtro )(?<!filtre )antical[a-z]*|abrillantador|suavizante|ambientador|detergente|"
    r"acondicionador|pulitore|puli[a-z]*forno|decalcificante|disincrostante|sgrassatore|"
    r"igienizzante|detersivo|ammorbidente|ontkalker|ontvetter|[a-z]*reinigingsmiddel|wasmiddel|"
    r"wasverzachter|luchtverfrisser|amaciador|temizleyici|temizleme (?:sivisi|kopugu|suyu|jeli)|"
    r"yag cozucu|kirec (?:onleyici|cozucu|sokucu)|deterjan[a-z]*|yumusatici|deodorant|"
    r"desodorante|(?:oil|huile|aceite|olio|oleo|olie|azeite|yagi?|ol|sauce) (?:for|pour|para|per|"
    r"fur|voor))\b"
)
# What is made of these, or takes so many watts, is no food and no drink.
_MATERIAL = re.compile(
    r"\b(?:edelstahl|stainless|rvs|inox\w*|acero|acciaio|aco|celik|paslanmaz|[ck]eramik|ceramic|"
    r"ceramique|ceramica|keramiek|seramik|porzellan|porselein|porselen|gusseisen|cast iron|"
    r"en fonte|ghisa|gietijzer\w*|emaille|emaye|tritan|bpa|granit|antihaft\w*|non ?stick|"
    r"antiadh?erente|antiadhesi[fv]e?|yapismaz|isotherme|isotermic[oa]|reusable|reutilizable|"
    r"reutilisable|reutilizavel|riutilizzabile|herbruikbaar|wiederverwendbar|faltbar|faltbare?|"
    r"pliable|plegable|pieghevole|opvouwbaar|auslaufsicher|leakproof|leak proof|borosilica\w*)\b"
)
WATTS = re.compile(r"(?<![\d.,])(?:[2-9]\d\d|\d{4}) ?(?:w|watts?)\b")
_BOTTLE_BEHIND = re.compile(r"\d ?(?:ml|cl|l) bottles?$")
_LIQUIDS = re.compile(
    r"\b(?:water|colas?|coke|pepsi|juice|milk|beer|ale|lager|cider|wine|vodka|gin|rum|whisky|"
    r"lemonade|squash|cordial|soda|tonic|drink|energy|tea|coffee|smoothie|oil|vinegar|sauce|ketchup|"
    r"syrup|shampoo|conditioner|lotion|wash|soap|gel|bleach|cleaner|softener|fanta|sprite|prosecco|"
    r"champagne|perfume|toner|liquid|cream|yogh?urt|honey|mayo\\w*|dressing|spirits?|latte|kefir|"
    r"mouthwash|zero|diet)\b"
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase.

    Attributes:
        words: The pattern of each of its words.
        is_first: Whether it counts only at the beginning of a text, marked by ``^``.
        holds_weight: Whether weights in kilograms are no contents either; ``~`` marks phrases that
            may also be names of food.
    """

    words: tuple[re.Pattern[str], ...]
    is_first: bool
    holds_weight: bool


def _phrases(*lists: str) -> tuple[_Phrase, ...]:
    """The phrases of lists in which commas stand between them."""
    listed = dict.fromkeys(
        " ".join(part.split()) for each in lists for part in each.split(",") if part.strip()
    )
    return tuple(
        _Phrase(
            tuple(re.compile(word) for word in phrase.lstrip("~^").split(" ")),
            phrase.startswith("^"),
            not phrase.startswith(("~", "^")),
        )
        for phrase in listed
    )


_HOLDERS = _phrases(_DRINKING, _KITCHEN, _BAGS)
_OTHERS = _phrases(_CONTENTS)


@lru_cache(1 << 16)
def _beginning(word: str) -> tuple[tuple[_Phrase, ...], tuple[_Phrase, ...]]:
    """The holders and the other phrases that begin with a word."""
    holders, others = (
        tuple(phrase for phrase in phrases if phrase.words[0].fullmatch(word))
        for phrases in (_HOLDERS, _OTHERS)
    )
    return holders, others


def holds(text: str, *, weight: bool = False) -> bool:
    """Whether a volume in a text says what the product holds rather than what is in the pack.

    Args:
        text: The folded text.
        weight: Whether it is asked for weights in kilograms instead of volumes.

    >>> holds("trinkflasche edelstahl 0,75 l"), holds("flasche wasser 1 l")
    (True, False)
    >>> holds("oven chips 1.5 kg", weight=True), holds("kettle 1.7 l")
    (False, True)
    """
    if _BOTTLE_BEHIND.search(text) is not None and not weight and not _LIQUIDS.search(text):
        return True
    words = _WORD.findall(text)
    place = 0
    is_holder = WATTS.search(text) is not None or _MATERIAL.search(text) is not None
    while place < len(words) and not is_holder:
        holders, others = _beginning(words[place])
        if size := max(
            (len(other.words) for other in others if _is_at(other, words, place)), default=0
        ):
            place += size
            continue
        is_holder = any(
            _is_at(phrase, words, place) and (phrase.holds_weight or not weight)
            for phrase in holders
        )
        place += 1
    return is_holder and _CARE.search(text) is None


def _is_at(phrase: _Phrase, words: Sequence[str], place: int) -> bool:
    """Whether a phrase stands at a place of a text's words."""
    if phrase.is_first and place:
        return False
    part = words[place : place + len(phrase.words)]
    return len(part) == len(phrase.words) and all(
        pattern.fullmatch(word) for pattern, word in zip(phrase.words, part, strict=True)
    )
