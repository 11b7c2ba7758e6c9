"""The 208 values of a world in which thousands of people share a placeholder (failures.md I1), by where they stand.

What lives here: the values. What does not: how they are recognised (dbt_project/macros/addresses.sql, vars of
dbt_project.yml), which this list is written independently of.
"""

from __future__ import annotations

_WORDS = ("test", "noreply", "no-reply", "donotreply", "none", "null", "na", "guest", "anonymous", "unknown")
_DOMAINS = ("test.com", "example.com", "gmail.com", "shop.example", "none.invalid", "mail.test")
EMAILS = (
    *(f"{word}@{domain}" for word in _WORDS for domain in _DOMAINS),
    "a@a.com", "aaa@aaa.com", "abc@abc.com", "abc@xyz.com", "asdf@asdf.com", "qwerty@qwerty.com", "x@x.com",
    "1@1.com", "123@123.com", "foo@bar.com", "no@email.com", "noemail@noemail.com", "nobody@nowhere.com",
    "email@email.com", "name@domain.com", "fake@fake.com", "dummy@dummy.com", "undefined@undefined.com",
    "tester@tester.com", "postmaster@shop.example", "void@void.com", "anon@anon.com", "nomail@nomail.com",
    "visitor@shop.example", "do-not-reply@shop.example", "do_not_reply@shop.example", "no_reply@shop.example",
    "mailer-daemon@shop.example",
    "NoReply@Shop.Example", " TEST@TEST.COM ", "Test <test@test.com>", "test\u200b@test.com", "mailto:null@null.com",
    "null", "n/a", "anonymous", "-1", "none", "unknown", "undefined", "N/A", "-", "0",
)  # fmt: skip
PHONES = (
    *(str(digit) * 10 for digit in range(10)),
    *(f"+1{str(digit) * 10}" for digit in range(10)),
    *(f"0{str(digit) * 10}" for digit in range(1, 10)),
    "99999999", "2222222", "+33 0 00 00 00 00", "+440000000000", "0044 0000 000000",
    "00000000000", "000-000-0000", "(000) 000 0000", "000000",
    "1234567890", "0123456789", "123456789", "12345678", "123456", "+441234567890", "+11234567890", "9876543210",
    "0987654321", "+44 20 1234 5678", "07777 777777", "(555) 555-5555", "123-123-1234", "1212121212", "0101010101",
    "1112223333", "1122334455", "null", "n/a", "anonymous", "-1", "none", "-", "0", "unknown", "NULL", "N/A",
)  # fmt: skip
IDS = (
    "0", "-1", "null", "none", "n/a", "na", "nan", "guest", "anonymous", "unknown", "undefined", "NULL", "None",
    "N/A", " Guest ", "ANONYMOUS", "-", "--", "void", "nil", "(null)", "(not set)", "test", "false", "true", "000000",
    "0000000000", "00000000-0000-0000-0000-000000000000", "d41d8cd98f00b204e9800998ecf8427e",
    "D41D8CD98F00B204E9800998ECF8427E", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "walk-in", "visitor", "not provided",
    "[object Object]", "#N/A", "xxx", "not available", "dummy",
)  # fmt: skip
ORDINARY_EMAILS = (
    "someone@example.com", "ann@mail.test", "bob@nowhere.invalid", "testa@example.com", "contest@example.com",
    "nullmann@example.com", "guest.house@example.com", "info@shop.example", "noreen@example.com",
    "na.smith@example.org", "jo+test@example.com", "1234567@example.com",
)  # fmt: skip
ORDINARY_PHONES = ("+442079460958", "+33199001234", "+12125550123", "+441134960000", "+442071234560", "+31612345670")
ORDINARY_IDS = ("1", "10", "-2", "n-1", "guest-7", "a0000000", "000000001", "nullable", "null-7")
