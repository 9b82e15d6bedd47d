// fuzz-sources: Sources/Basics Sources/MailSyntax
import Basics
import MailSyntax

/// Domains, addresses, logins, paths, address fields and replies.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  if let domain = try? MailDomain(text) {
    guard let again = try? MailDomain(domain.ascii), again == domain else { fatalError("domain is not stable") }
    _ = domain.unicode
  }
  if let address = try? EmailAddress(text) {
    guard let again = try? EmailAddress("\(address)"), again == address else { fatalError("address is not stable") }
  }
  if let login = try? LoginName(text) {
    guard let again = try? LoginName(login.key), again.key.utf8.elementsEqual(login.key.utf8) else {
      fatalError("login is not stable")
    }
  }
  for allowed in [true, false] {
    guard let path = try? PathArgument.parse(bytes, allowUTF8: allowed) else { continue }
    if let address = path.address {
      let written = Array("<\(address)>".utf8)
      guard (try? PathArgument.parse(written, allowUTF8: true))?.address == address else { fatalError("path") }
    }
    for parameter in path.parameters {
      guard let value = parameter.value else { continue }
      _ = XText.decode(value)
      _ = DeliveryNotify(parameter: value)
      if let recipient = OriginalRecipient(parameter: value) { _ = recipient.parameter }
    }
  }
  for entry in HeaderAddress.parse(bytes) {
    _ = entry.displayName
    _ = entry.address
  }
  var parser = SMTPReplyParser()
  for line in bytes.split(separator: 10) { _ = try? parser.add(Array(line)) }
  for line in SMTPReply(250, "2.0.0", text).wire.split(separator: 10) where line.count > 511 {
    fatalError("long reply")
  }
  if let decoded = Base64.decode(bytes) {
    guard Base64.encodedBytes(decoded) == bytes else { fatalError("base64 is not canonical") }
  }
  guard XText.decode(XText.encode(bytes)) == bytes else { fatalError("xtext") }
  return 0
}
