"""The words that search stores of a text, and the searches that find it."""

from __future__ import annotations

import pytest

from relay.search import words

TEXT = [
    "Ada Lovelace <ada@example.com> ordered ORD-4711-B for 150.40, to Müller-Straße 7",
    "東京都渋谷区",
    "https://shop.example.com/orders/981?token=abc",
    "x" * 3_000,
]


@pytest.mark.parametrize(
    ("looked_for", "is_found"),
    [
        ("ada", True),
        ("LOVELACE ada", True),
        ("lovel", True),
        ("ada@example.com", True),
        ("ada@exam", True),
        ("example.com", True),
        ("ord-4711", True),
        ("4711", True),
        ("#4711-b", True),
        ("150.40", True),
        ("muller strasse", True),
        ("Müller-Straße", True),
        ("渋谷", True),
        ("shop.example.com/orders", True),
        ("981", True),
        ("7", True),
        ("x" * 3_000, True),
        ("ada grace", False),
        ("velace", False),
        ("4712", False),
        ("4", False),
        ("bob@example.com", False),
    ],
)
def test_parts_of_words_and_addresses_are_found(looked_for: str, is_found: bool) -> None:
    kept = words.words(TEXT)

    assert words.holds(kept, words.wanted(looked_for)) is is_found


LINK = "https://shop.example.com/back?" + "&".join(f"field{number}=value{number}x" for number in range(60))
CHINESE = "请在浏览器中打开这个网址并且向下滚动直到您看见位于页面底部的蓝色按钮然后点击它就可以完成支付流程谢谢"


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        (CHINESE, "页面底部"),
        (CHINESE, "谢谢"),
        (CHINESE, CHINESE),
        (CHINESE, CHINESE[7:]),
        (CHINESE + "iPhone手机壳" + CHINESE, "手机壳"),
        (CHINESE + "iPhone手机壳" + CHINESE, CHINESE[-11:] + "iPhone手机壳" + CHINESE),
        ("𠮷野家で食べたものはとても美味しかったのでまた行きたいと思います", "行きたい"),
        ("주문하신상품이오늘발송되었습니다", "발송"),
        ("ขอบคุณที่สั่งซื้อสินค้ากับเราในวันนี้", "สั่งซื้อ"),
        ("ขอบคุณที่สั่งซื้อสินค้ากับเราในวันนี้", "ที่สั่งซื้อสินค้ากับเราในวันนี้"),
        ("ຂອບໃຈທີ່ສັ່ງຊື້ສິນຄ້າກັບພວກເຮົາ", "ສັ່ງຊື້"),
        ("សូមអរគុណចំពោះការបញ្ជាទិញរបស់អ្នកជាមួយយើង", "របស់អ្នក"),
        ("សូម\u200bអរគុណ\u200bចំពោះ", "អរគុណចំពោះ"),
        ("ကျေးဇူးတင်ပါတယ်", "တင်ပါ"),
        ("soft\u00adhyphen", "softhyphen"),
        (f"{LINK}&order=ORD-90210", "ORD-90210"),
        (f"{LINK}&order=ORD-90210", "90210"),
        (f"{LINK}&haystack77=1", "haystack77"),
        (LINK, "value59x"),
    ],
)
def test_scripts_without_spaces_and_long_links_are_found_from_any_letter(text: str, looked_for: str) -> None:
    kept = words.words([text])

    assert words.holds(kept, words.wanted(looked_for))
    assert not words.holds(kept, words.wanted(f"{looked_for}q"))


def test_random_characters_leave_room_for_other_words() -> None:
    blob = "".join(f"{number * 7919:x}" for number in range(10_000))

    kept = words.words([blob, "ORD-4711"])

    assert "ord-4711" in kept
    assert len(kept) < 50


@pytest.mark.parametrize("text", ["", '"', "'", "\x00", "( ) * ' \" \\", "\ud800"[:0], " \t\n", "----"])
def test_a_text_without_words_looks_for_nothing(text: str) -> None:
    assert words.wanted(text) == []


@pytest.mark.parametrize("text", ["|flow=1", 'a" OR "b', "a'b", "a\\b", "a b\u3000c", "\ud800x", "a|b:*"])
def test_no_word_holds_what_a_query_is_written_with(text: str) -> None:
    assert not set("\"'\\| \u3000") & set("".join([*words.wanted(text), *words.words([text])]))


def test_what_is_kept_has_a_bound() -> None:
    kept = words.words(f"word{number}" for number in range(100_000))

    assert len(kept) == words.MAX_WORDS
    assert max(map(len, kept)) <= words.MAX_WORD


def test_a_facet_is_found_only_whole() -> None:
    kept = [words.facet("flow", 12)]

    assert words.holds(kept, [words.facet("flow", 12)])
    assert not words.holds(kept, [words.facet("flow", 1)])
