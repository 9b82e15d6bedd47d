// fuzz-sources: Sources/Basics Sources/MailSyntax Sources/SMTPServer/Grammar
import Basics
import MailSyntax

/// Command lines: whatever comes is read or refused, and nothing of it can break a header line or a reply.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  for line in bytes.split(separator: 0x0a, maxSplits: 32, omittingEmptySubsequences: false) { read(Array(line)) }
  return 0
}

private func read(_ line: [UInt8]) {
  switch SMTPCommand.parse(line) {
  case .helo(let name), .ehlo(let name), .lhlo(let name):
    guard let text = HelloName(name)?.text else { return }
    check(text, limit: 255)
    if !text.hasPrefix("["), text.contains(where: { "()<>;: \"".contains($0) }) { fatalError("name breaks Received") }
  case .mail(let argument):
    guard let path = try? PathArgument.parse(argument, allowUTF8: true) else { return }
    if let parameters = try? MailParameters(path.parameters) {
      if let id = parameters.envelopeID { check(id, limit: 100) }
      if let size = parameters.size, size < 0 { fatalError("negative size") }
    }
    if let address = path.address { check("\(address)", limit: 1024) }
  case .rcpt(let argument):
    guard let path = try? PathArgument.parse(argument, allowUTF8: false) else { return }
    if let parameters = try? RecipientParameters(path.parameters) {
      if let original = parameters.originalRecipient { check(original.parameter, limit: 2048) }
      if let notify = parameters.notify { check(notify.parameter, limit: 32) }
    }
    if let address = path.address { check("\(address)", limit: 1024) }
  case .bdat(let size, _):
    guard size >= 0, size <= SMTPCommand.largestChunk else { fatalError("chunk size") }
  case .etrn(let argument):
    if let node = ETRNNode(argument) { check("\(node)", limit: 512) }
  case .auth(let mechanism, _):
    check(mechanism, limit: 20)
  case .malformed(let usage):
    check(usage, limit: 64)
  default:
    break
  }
}

private func check(_ text: String, limit: Int) {
  guard text.utf8.count <= limit, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
    fatalError("unsafe text: \(text.debugDescription)")
  }
}
