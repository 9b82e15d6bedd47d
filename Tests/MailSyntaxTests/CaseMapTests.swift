import Testing

@testable import MailSyntax

/// `i;unicode-casemap` (RFC 5051).
@Suite struct CaseMapTests {
  @Test(arguments: [
    ("ascii Only", "ASCII ONLY"), ("Ärger", "ÄRGER"), ("a\u{308}rger", "Ärger"), ("ДОМ", "дом"), ("ΣΑΣ", "σας"),
    ("ﬁn", "FIN"), ("ｆｕｌｌ１２", "full12"), ("ǆ", "Ǆ"), ("①", "1"), ("㎏", "KG"), ("ｶﾞ", "カ\u{3099}"), ("№", "no"),
    ("ﻼ", "لا"), ("𝔄", "a"), ("Ⅷ", "viii"), ("\u{1112}\u{1161}\u{11ab}", "한"), ("ꙁ", "Ꙁ"), ("𐐨", "𐐀"), ("ŉ", "ʼn"),
    ("", ""),
  ]) func `Spellings of the same`(_ pair: (String, String)) {
    #expect(CaseMap.fold(pair.0) == CaseMap.fold(pair.1))
    #expect(CaseMap.fold(utf8: Array(pair.0.utf8)) == Array(CaseMap.fold(pair.1).utf8))
  }

  @Test func `What differs stays different`() {
    // RFC 5051 maps one character to one: ß has no capital by itself, and accents count.
    #expect(CaseMap.fold("straße") != CaseMap.fold("strasse"))
    #expect(CaseMap.fold("resume") != CaseMap.fold("résumé"))
    #expect(CaseMap.fold("漢") == "漢" && CaseMap.fold("가") == "가")
  }

  @Test func `The order is that of capitals`() {
    // RFC 5051 section 2: octets of what was raised; "_" comes behind "Z".
    #expect(CaseMap.fold("z") < CaseMap.fold("_") && CaseMap.fold("Z") < CaseMap.fold("_"))
    #expect(CaseMap.fold(utf8: [0x61, 0xff, 0x62]) == Array("A\u{fffd}B".utf8))
  }

  @Test func `Every character can be folded, and folding twice changes nothing`() {
    for value in UInt32(0)..<0x11_0000 {
      guard let scalar = Unicode.Scalar(value), !(0x1100...0x11ff).contains(value) else { continue }
      let once = CaseMap.fold(String(scalar))
      if CaseMap.fold(once) != once { Issue.record("U+\(String(value, radix: 16))") }
    }
  }
}
