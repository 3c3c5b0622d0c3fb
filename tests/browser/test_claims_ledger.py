"""The filter of the claims ledger, by mouse and by keyboard, and the page without it."""

from __future__ import annotations

import re

from vggstudy.claims import CLAIMS, find_claim

ROWS = "tbody.claim:visible"


def shown(page):
    return int(re.match(r"\d+", page.locator(".claims-shown").inner_text())[0])


def test_all_claims_are_shown_at_first(visit):
    page = visit("book/claims")
    assert page.locator(ROWS).count() == shown(page) == len(CLAIMS)


def test_the_status_and_the_section_filter_together(visit):
    page = visit("book/claims")
    page.get_by_label("needs ImageNet").uncheck()
    page.get_by_label("of section").select_option("4.2")
    wanted = [claim for claim in CLAIMS if claim.part == "4.2" and claim.judge().status != "imagenet"]
    assert page.locator(ROWS).count() == shown(page) == len(wanted)
    assert page.locator("h2:visible", has_text="Several test scales").count() == 1
    assert page.locator("h2:visible", has_text="Localisation").count() == 0


def test_words_are_found_in_claims_and_evidence(visit):
    page = visit("book/claims")
    page.get_by_label("with the words").fill("  GoogLeNet nets ")
    assert 0 < shown(page) < 10
    page.get_by_label("with the words").fill("no such words at all")
    assert shown(page) == 0


def test_the_keyboard_reaches_the_filter(visit):
    page = visit("book/claims")
    page.locator(".claims-filter input").first.focus()
    page.keyboard.press("Space")
    assert shown(page) == sum(claim.judge().status != "exact" for claim in CLAIMS)
    page.keyboard.press("Enter")  # in a form without a button: nothing is sent, and the page stays
    assert "?" not in page.url


def test_a_link_to_a_claim_that_is_hidden_shows_it(visit):
    page = visit("book/claims")
    page.get_by_label("with the words").fill("momentum")
    page.evaluate("() => { location.hash = '#claim-table3-d-384'; }")
    page.locator("#claim-table3-d-384").wait_for(state="visible")
    assert shown(page) == len(CLAIMS)


def test_evidence_unfolds_the_source_of_its_test(visit):
    page = visit("book/claims")
    page.locator("#claim-momentum").get_by_role("link", name=re.compile("one update is momentum")).click()
    assert page.locator("#test-test_train-test_one_update_is_momentum_descent_with_weight_decay pre").is_visible()


def test_a_badge_leads_to_its_row(visit):
    page = visit("book/small_filters")
    badge = page.locator("a.claim-badge").first
    assert badge.inner_text() == "exact" and find_claim("three-3x3").text in badge.get_attribute("aria-label")
    badge.click()
    page.wait_for_url("**/claims.html#claim-three-3x3")
    assert page.locator("tbody.claim:target").get_attribute("data-status") == "exact"


def test_without_scripts_every_claim_is_there_and_no_filter(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/book/claims.html")
    assert page.locator(ROWS).count() == len(CLAIMS)
    assert not page.locator(".claims-filter").is_visible()
    context.close()
