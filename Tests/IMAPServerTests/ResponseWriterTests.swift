import Basics
import Testing

@testable import IMAPServer

private func written(_ body: (inout ResponseWriter) -> Void) -> String {
  var out = ResponseWriter()
  body(&out)
  return String(decoding: out.bytes, as: UTF8.self)
}

@Suite struct ResponseWriterTests {
  @Test func strings() {
    #expect(written { $0.string(Array("plain".utf8)) } == "\"plain\"")
    #expect(written { $0.string(Array("a\"b\\c".utf8)) } == #""a\"b\\c""#)
    #expect(written { $0.string(Array("a\r\nb".utf8)) } == "{4}\r\na\r\nb")
    #expect(written { $0.string(Array("é".utf8)) } == "{2}\r\né")
    #expect(written { $0.aString(Array("alice@example.test".utf8)) } == "alice@example.test")
    #expect(written { $0.aString(Array("NIL".utf8)) } == "\"NIL\"")
    #expect(written { $0.aString([]) } == "\"\"")
    var out = ResponseWriter()
    out.string([0, 65])
    #expect(out.bytes == Array("{2}\r\n".utf8) + [0x80, 65])
  }

  @Test func numbersAndText() {
    #expect(written { $0.number(UInt32.max) } == "4294967295")
    #expect(written { $0.number(0) } == "0")
    #expect(written { $0.humanText("x\r\ny\u{e9}") } == "x??y??")
    #expect(written { $0.humanText("no mailbox {5}") } == "no mailbox {5}.")
    #expect(written { $0.internalDate(Timestamp(seconds: 837_571_465)) } == "\"17-Jul-1996 02:44:25 +0000\"")
  }
}
