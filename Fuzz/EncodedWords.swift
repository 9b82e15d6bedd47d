// fuzz-sources: Sources/Basics Sources/MailSyntax
import MailSyntax

/// Encoded words, charsets, case folding, base subjects, message identifiers, and what the builder makes of any text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  _ = EncodedWord.decode(bytes)
  _ = BaseSubject(bytes)
  _ = MessageIdentifier.parse(bytes, limit: 100)
  for word in EncodedWord.encodedWords(text) where word.utf8.count > 75 { fatalError("long encoded word") }
  guard EncodedWord.decode(Array(EncodedWord.encodedWords(text).joined(separator: " ").utf8)) == text else {
    fatalError("encoded words do not come back")
  }
  for name in ["utf-7", "iso-2022-jp", "shift_jis", "euc-kr", "gb18030", "big5", "utf-16", "iso-8859-8", "x-none"] {
    _ = CharsetDecoder(name).decode(bytes)
  }
  let folded = CaseMap.fold(utf8: bytes)
  guard folded == Array(CaseMap.fold(text).utf8) else { fatalError("two ways to fold") }
  var builder = MessageBuilder(boundarySeed: 1)
  builder.text("Subject", text)
  let message = builder.build(.multipart(subtype: "mixed", [.text(text), .octets(bytes, type: "a/b", base64: true)]))
  guard WireForm.size(of: message) == message.count, message.allSatisfy({ $0 < 0x80 }) else { fatalError("8 bit") }
  let root = MIMEPart.parse(message)
  guard root.children.count == 2, HeaderSection(message).fields.count == 3 else { fatalError("injection") }
  guard TransferEncoding("base64").decode(message.span, range: root.children[1].bodyRange) == bytes else {
    fatalError("octets lost")
  }
  return 0
}
