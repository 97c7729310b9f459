"""Words of packs in eight languages, in small letters without accents, as patterns.

The languages are English, Spanish, French, German, Dutch, Turkish, Italian and Portuguese.  Titles
mix languages, so all words are known at once.
"""

# Of what a pack has several: pieces that people count.
PIECE_UNITS = (
    r"adet|ad\.|tane|uds?|unids?|unidad(?:es)?|unidades?|unites?|units?|stuks?|st\.|stuck|stueck|stk|"
    r"stck|pcs?|pzas?|pzs?|pezz[io]|pieces?|piezas?|pecas?|pces?|pi\.|count|cnt|ct|pk|packs?"
)
PIECES = PIECE_UNITS + (
    r"|rollos?|rouleaux?|rlx|rolls?|rollen|rotol[io]|rolos?|rulo|sachets?|sobres|saquetas|bustine|"
    r"beutel|zakjes|theezakjes|tea ?bags|teebeutel|poset|culottes|couches|panales|nappies|diapers|"
    r"windeln|luiers|bez|pannolini|fraldas|lingettes|toallitas|wipes|feuchttucher|doekjes|"
    r"salviett(?:e|ine)|toalhitas|servilletas|serviettes|servetten|servietten|mendil|mouchoirs|"
    r"oeufs?|eggs?|huevos?|uov[ao]|eier(?:en)?|yumurta|ovos?|lonchas|tranches|scheiben|plakken|"
    r"plakjes|fette|fatias|dilim|slices|filtros?|filters?|pares|pairs?|paires?|paar|paia|cift|"
    r"sacs|bags|bolsas|zakken|sacchi|sacchetti|sacos|mullbeutel|pipett(?:es?|en|e)|pipetas?|"
    r"pants|hoschen|panuelos|fazzoletti|taschentucher|lencos|tissues"
)
# Bare words that mean a piece only where nothing follows that they could belong to.
SHORT_PIECES = r"un|u|st|ad"
WASHES = (
    r"lavados?|lavages?|lavaggi[o]?|lavagens?|lavagem|wash(?:es)?|washloads?|loads|"
    r"waschladung(?:en)?|wl|waschgange|wasch(?:en)?|wasbeurt(?:en)?|wasjes|yikama|lav\."
)
DOSES = (
    r"capsulas?|capsules?|capsule|caps?\.?|[a-z]*kapseln?|kapsul|tabletas?|tablets?|[a-z]*tabletten|"
    r"tablette|[a-z]*tabs?|tablete|comprimes?|comprimidos?|cpr|compresse|pastillas?|pastilles?|pastiglie|pastilhas?|"
    r"pods?|dosettes?|dos[ei]s?|doz|cialde|pads|gelules?|softgels?|grageas|dragees|gummies|"
    r"gelcaps|perlas|ampoules?|ampollas|ampullen"
)
# What a pack is called where the number of packs or pieces follows it, as in "pack of 6".
PACKS = (
    r"pack(?:s|ung|ungen)?|packet|set|lot|box|case|carton|caja|bandeja|estuche|paquete|boite|"
    r"etui|paquet|doos|pak|verpakking|confezione|scatola|embalagem|caixa|kutu|paket|bundle|combo"
)
# What stands between the number of containers and the amount in each, as in "6 cans of 33 cl".
CONTAINERS = (
    r"botellas?|bottles?|bouteilles?|flaschen?|flessen|fles|bottiglie|bottigli[ae]|garrafas?|sise|"
    r"latas?|cans?|canettes?|boites?|dosen?|blik(?:ken|jes?)?|lattin[ae]|kutu|bricks?|briks?|briques?|"
    r"pots?|tarrinas?|becher|bekers?|vasett[io]|vasi|potes?|copos|kase|bolsas?|bags?|sachets?|"
    r"beutel|zak(?:ken|jes)?|buste|sacos?|poset|tabletas?|tablets|barras?|bars?|barres?|riegel|"
    r"barquettes?|gourdes?|plaquettes?|tablettes?|filets|tubes?|flacons?|vaschett[ae]|buste|"
    r"confezioni|tafeln|tuten|glaser|frascos?|embalagens|bandejas|potten|pots|schalen|bakjes|"
    r"repen|barrette|unidades|unites?|units|uds?|stuks?|stuck|pezzi|pieces|piezas|pecas|adet|x"
)
DRAINED = (
    r"egoutte\w*|\ufffdgoutt\w*|drained|dr\.? ?wt|escurrid[oa]s?\b|abtropfgew\w*|abgetropft\w*|"
    r"atg\b|uitgelekt\w*|uitlekg\w*|suzulmus|"
    r"suzme(?! ?(?:\w+ )?(?:yog|peynir|bal|cokelek|ayran|cay|kahve))|"
    r"sgocciolat[oaie]\b|escorrid[oa]s?\b|pne\b"
)
ABOUT = r"approx\w*|aprox\w*|environ|env\.|ca\.|circa|cca|ungefahr|ongeveer|yaklasik|about"
LIMITS = (
    r"max|maxi|up to|jusqu'?a|bis|bis zu|hasta|fino a|tot|ate|min|ab|from|from|a partir de|desde|"
    r"over|plus de|mas de|uber|more than|charge|bears|holds|capacity|capacite|capacidad|capacita|"
    r"kapazitat|fassungsvermogen|inhoud tot|kapasite|"
    r"des|vanaf|oltre|piu di|a partire da|plus que|"
    r"\+ ?de|meer dan|mais de"
)
# What children weigh, not what nappies do.
NAPPIES = (
    r"couches?|changes|napp(?:y|ies)|diapers?|[a-z]*windeln?|panal(?:es)?|pannolin[oi]|fraldas?|"
    r"luiers?|luierbroekjes|bebek bezi|bezi|pampers|huggies|dodot|molfix|drynites|babydry"
)
# Paper is named by the weight of a square metre, and so is cloth.
PAPER = (
    r"(?:kopier|drucker|print|kopie|foto|photo|zeichen|tinten)papier|(?:copy|copier|printer|photo|"
    r"printing|drawing|office) paper|a[345]|dina[345]|fotokopi|ramettes?|resmas?|rism[ae]|reams?|"
    r"papel (?:fotoc\w*|multif\w*|impres\w*|fotog\w*)|carta (?:per )?(?:fotocopi\w*|stampant\w*)|"
    r"papier (?:photo|dessin|imprimante|canson)|cardstock|cartulina|tonpapier|fotokarton"
)
CLOTH = (
    r"(?:hand|bade|dusch|gaste|sauna|strand)tuch(?:er)?|towels?|"
    r"toallas? (?:de )?(?:ducha|bano|manos|lavabo|algodon|playa)|"
    r"serviettes? de (?:bain|toilette|plage)|"
    r"drap de bain|asciugaman[oi]|telo (?:bagno|mare)|hand ?doek(?:en)?|bad ?laken|badhanddoek|"
    r"toalhas? (?:de )?(?:banho|rosto|algodao|praia)|havlu\w*|bornoz|bathrobe|bademantel|"
    r"t-?shirts?|camiseta|hoodie|sweatshirt|duvet|bettdecke|couette|edredon|piumone|dekbed|yorgan"
)
FREE = (
    r"gratis|free|gratuite?s?|offerte?s?|regalo|geschenkt|bonus|hediye|bedava|omaggio|gratuiti|"
    r"extra|de regalo|oferta|kostenlos"
)
PERSONS = (
    r"personnes?|personen|personas?|persone|persons?|pessoas?|people|pers\.?|kisilik|kisi|convives|"
    r"portions?|portionen|porzioni|porciones|porcoes|porties|servings?|parts"
)
TWINS = (
    r"(?:twin|duo|double|dual|bi)[ -]?packs?|doppelpack|pack (?:duo|doble|double)|lot de deux|"
    r"confezione doppia|duoverpakking|ikili paket|bipack|pack duplo"
)
TRIPLES = r"(?:triple|trio)[ -]?packs?|dreierpack|tripack|confezione tripla|uclu paket"
# What encloses several pieces, or a drink.
BOXES = (
    r"etuis?|paquets?|paquetes?|pacchett[io]|packchen|packungen|pakjes?|pakken|paket|boites?|cajas?|"
    r"caixas?|scatol[ae]|doosjes|packs|pakete|stangen|dozen|packets?|boxes|pochettes?|estuches?|blisters?|pacotes?"
)
BOTTLES = (
    r"botellas?|botellines?|bottles?|bouteilles?|flaschen?|flessen|flesjes?|bottiglie|garrafas?|sise|latas?|"
    r"cans?|canettes?|dosen?|blik(?:ken|jes?)?|lattine|bricks?|briks?|briques?"
)
MORE = (
    r"(?:et|and|und|en|y|e|ve) (?:plus|up|over|mehr|meer|mas|piu|oltre|mais|uzeri|above|daruber)|"
    r"or more|oder mehr|of meer|o mas|o piu|ou plus|ou mais|uzeri|aufwarts"
)
NUTRIENTS = (
    r"proteins?|proteines?|proteinas?|proteine|eiweiss|eiwit|sugars?|sucres?|azucar(?:es)?|zucker|"
    r"suiker|zuccheri|acucar(?:es)?|seker|carbs?|fat|fibres?|fiber|fibra|ballaststoffe|salt|sel|"
    r"collagen|creatine|omega"
)
GARMENTS = (
    r"jeans?|t-?shirts?|shirts?|trousers|pants|leggings?|dress|bra|slim|skinny|regular fit|regular|"
    r"pantalon(?:es)?|chemise|robe|camisa|camiseta|vestido|hemd|hose|kleid|broek|jurk|gomlek|elbise|"
    r"camicia|pantaloni|vestito|hoodie|sweatshirt|jacket|blouson|veste|chaqueta|jacke|pyjamas?|boxer"
)
GADGETS = (
    r"ssd|hdd|hard ?(?:drive|disk)|usb|memory|disks?|drive|disco|laptop|notebook|(?:smart)?phone|"
    r"router|modem|ram|flash|tablet|camera|wifi|wireless|galaxy|iphone|ipad|ipod|android|lte|sata|802\.11|"
    r"keyboard|mouse|headphones?|printer|monitor|bluetooth|flip cover|thinkpad|\w+pad"
)
