import Basics
import Testing

@Suite("Hexadecimal digits")
struct HexadecimalTests {
  @Test func `Every octet goes there and back, in either case`() {
    let all = Array(UInt8.min...UInt8.max)
    let digits = Hexadecimal.encode(all)
    #expect(digits.hasPrefix("000102") && digits.hasSuffix("fdfeff") && digits.utf8.count == 512)
    #expect(Hexadecimal.decode(digits.utf8) == all)
    #expect(Hexadecimal.decode(digits.uppercased().utf8) == all)
    #expect(Hexadecimal.encode([]) == "" && Hexadecimal.decode([]) == [])
  }

  @Test(arguments: ["0", "abc", "0g", " 00", "0x10", "é"])
  func `What is no pair of digits is refused`(_ text: String) {
    #expect(Hexadecimal.decode(text.utf8) == nil)
  }
}
