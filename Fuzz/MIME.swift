// fuzz-sources: Sources/Basics Sources/MailSyntax
import Basics
import MailSyntax

/// Checks what must hold for every message: ranges inside the file, sizes that add up, balanced structures.
private func check(_ part: MIMEPart, _ bytes: [UInt8]) {
  guard part.range.lowerBound >= 0, part.range.upperBound <= bytes.count else { fatalError("range outside") }
  guard WireForm.size(of: bytes.span, range: part.headerRange) == part.headerWireSize else { fatalError("header size") }
  guard WireForm.size(of: bytes.span, range: part.bodyRange) == part.bodyWireSize else { fatalError("body size") }
  guard part.lineCount >= 0, part.content != .message || part.children.count == 1 else { fatalError("message") }
  _ = part.filename
  _ = MessageText.text(of: part, in: bytes.span)
  for child in part.children { check(child, bytes) }
}

/// One message with everything that is asked of one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let root = MIMEPart.parse(bytes)
  guard root.range == 0..<bytes.count else { fatalError("root") }
  check(root, bytes)
  let entry = MessageIndexEntry.make(from: root, in: bytes.span)
  guard entry.wireSize == WireForm.convert(bytes).count else { fatalError("wire size") }
  for structure in [entry.envelope, entry.body, entry.bodyStructure] {
    guard isBalanced(structure) else { fatalError("unbalanced structure") }
  }
  for path in [[], [1], [2], [1, 1], [2, 1], [1, 2, 3], [1, 1, 1]] {
    for item in [MIMESection.Item.all, .header, .text, .mime, .headerFields(["to"]), .headerFieldsNot(["to"])] {
      let section = MIMESection(path: path, item: item)
      guard let slice = root.slice(of: section), let content = root.content(of: section, in: bytes.span) else {
        continue
      }
      switch item {
      case .headerFields, .headerFieldsNot: break
      default: guard content.count == slice.wireSize else { fatalError("section size") }
      }
    }
  }
  _ = MIMESection(bytes)
  let envelope = Envelope(bytes.span, headerRange: root.headerRange)
  for field in Envelope.searchableAddresses.indices { _ = envelope.searchText(field) }
  _ = HeaderSection(bytes).decoded("subject")
  for goal in [MessageConversion.Goal.sevenBit, .eightBit, .withoutBinary] {
    guard let converted = try? MessageConversion.convert(bytes, to: goal) else { continue }
    guard goal != .withoutBinary || !converted.contains(0) else { fatalError("NUL left") }
  }
  for name in ["quoted-printable", "base64"] { _ = TransferEncoding(name).decode(bytes.span, range: 0..<bytes.count) }
  return 0
}

/// Reads strings, literals and lists as a client would.
private func isBalanced(_ structure: [UInt8]) -> Bool {
  var depth = 0
  var index = 0
  while index < structure.count {
    switch structure[index] {
    case 0x28: depth += 1
    case 0x29: depth -= 1
    case 0x22:
      index += 1
      while index < structure.count, structure[index] != 0x22 {
        if structure[index] == 0x5c { index += 1 }
        guard index < structure.count, structure[index] >= 0x20 || structure[index] == 9, structure[index] < 0x7f else {
          return false
        }
        index += 1
      }
    case 0x7b:
      guard let end = structure[index...].firstIndex(of: 0x7d),
        let length = Int(String(decoding: structure[(index + 1)..<end], as: UTF8.self)),
        end + 2 + length < structure.count
      else { return false }
      guard !structure[(end + 3)..<(end + 3 + length)].contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
        return false
      }
      index = end + 2 + length
    case 0, 10, 13: return false
    default: break
    }
    guard depth >= 0 else { return false }
    index += 1
  }
  return depth == 0
}
