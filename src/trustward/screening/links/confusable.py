"""Letters of other scripts that look like Latin ones.

After Unicode's confusables.txt, but only letters that hosts may hold.
"""

from __future__ import annotations

_PAIRS = (
    "аa ạa ąa ɑa αa áa àa âa äa ãa åa āa ăa ǎa ａa "
    "вb ьb ƅb ɓb ъb "
    "сc ςc çc ćc ċc čc ƈc ϲc ⅽc "
    "ԁd ɗd đd ďd ɖd ⅾd "
    "еe ёe єe ée èe êe ëe ēe ėe ęe ěe ẹe ҽe ɛe εe ℮e "
    "ƒf ϝf ғf "
    "ɡg ğg ģg ġg ǵg ԍg ցg "
    "һh ħh ɦh հh нh ḥh ηn "
    "іi ïi íi ìi îi īi įi ıi ɩi ιi їi ịi ӏl ⅰi "
    "јj ʝj ϳj "
    "кk κk ķk ƙk қk "
    "łl ĺl ļl ľl ḷl ⅼl ɭl ǀl |l "
    "мm ṃm ⅿm ʍm "
    "пn ńn ñn ňn ņn ɲn ոn ṇn "
    "оo οo σo óo òo ôo öo õo øo ōo őo ọo ơo օo ӧo ०o ᴏo "
    "рp ρp ƿp ҏp þp "
    "ԛq գq "
    "гr ŕr řr ɾr ʀr ṛr "
    "ѕs śs šs şs șs ʂs ṣs ꜱs "
    "тt τt ťt ţt țt ƭt ṭt ŧt "
    "υu úu ùu ûu üu ūu ůu űu ųu ʋu սu ụu ưu "
    "νv ѵv ѷv ṿv ⅴv "
    "ѡw ԝw шw ŵw ẁw ẃw ẅw ɯw ωw "
    "хx χx ҳx ⅹx ẋx "
    "уy ýy ÿy ŷy γy ỵy ƴy ʏy ўy "
    "żz źz žz ƶz ʐz ẓz ᴢz "
    "ßb œo æa "
)
LATIN: dict[str, str] = {pair[0]: pair[1] for pair in _PAIRS.split()}
"""Each letter with the Latin letter that it looks like."""
