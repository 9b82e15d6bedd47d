// fuzz-sources: Sources/Basics Sources/MailSyntax
import MailSyntax

/// Mailbox names: what decodes must be the one spelling, and every name must come back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  if let name = ModifiedUTF7.decode(bytes) {
    guard Array(ModifiedUTF7.encode(name).utf8) == bytes else { fatalError("two spellings") }
  }
  let name = String(decoding: bytes, as: UTF8.self)
  guard ModifiedUTF7.decode(ModifiedUTF7.encode(name)) == name else { fatalError("name lost") }
  return 0
}
