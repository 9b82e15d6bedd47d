/// The text of a message as people read it: transfer encodings, charsets and encoded words decoded.
package enum MessageText {
  /// Octets at the start of a plain text that a preview is made from.
  static let previewOctets = 2048
  /// Octets at the start of an HTML text that a preview is made from: styles come first.
  static let htmlPreviewOctets = 32_768

  /// The first octets of a leaf part as text; `nil` for parts that are no text or whose encoding is unknown.
  static func text(of part: MIMEPart, in bytes: Span<UInt8>, limit: Int = .max) -> String? {
    guard part.isText else { return nil }
    let encoding = TransferEncoding(part.encoding)
    guard encoding != .unknown else { return nil }
    let range = part.bodyRange.prefix(max(0, limit))
    return CharsetDecoder(part.charset).decode(encoding.decode(bytes, range: range.startIndex..<range.endIndex))
  }

  /// Text parts that are looked at for a preview, as some programs send blank ones first.
  static let previewParts = 4

  /// The beginning of the first text, blanks collapsed, HTML without its tags (RFC 8970 section 3.1): what the sender
  /// wrote before what an attached message says, plain text before HTML that says the same.
  package static func preview(of message: MIMEPart, in bytes: Span<UInt8>, characters: Int = 200) -> String {
    for isInside in [false, true] {
      var parts: [MIMEPart] = []
      collect(message, into: &parts, isInside: isInside)
      for part in parts {
        let isHTML = part.subtype == "html"
        guard let text = text(of: part, in: bytes, limit: isHTML ? htmlPreviewOctets : previewOctets) else { continue }
        let beginning = collapse(isHTML ? withoutTags(text) : text, scalars: characters)
        if !beginning.isEmpty { return beginning }
      }
    }
    return ""
  }

  /// The first text parts in the order they are read in; those of attached messages only when `isInside`.
  private static func collect(_ part: MIMEPart, into parts: inout [MIMEPart], isInside: Bool) {
    guard parts.count < previewParts else { return }
    if part.isText {
      if part.disposition != "attachment" { parts.append(part) }
      return
    }
    if part.type == "message", !isInside { return }
    // RFC 2046 section 5.1.4: the same again in several forms, of which the plain one needs no work.
    let isAlternative = part.type == "multipart" && part.subtype == "alternative"
    if isAlternative, let plain = part.children.first(where: { $0.isText && $0.subtype == "plain" }) {
      collect(plain, into: &parts, isInside: isInside)
    }
    for child in part.children where !isAlternative || child.subtype != "plain" {
      collect(child, into: &parts, isInside: isInside)
    }
  }

  /// The first scalars of a text, runs of blanks and controls as one space, none at the ends.
  private static func collapse(_ text: String, scalars limit: Int) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(min(limit, 1024))
    var count = 0
    var isGap = false
    for octet in text.utf8 {
      if octet <= ASCII.space || octet == 0x7f {
        isGap = count > 0
        continue
      }
      // Octets 10xxxxxx continue a scalar that was counted with its first one.
      if octet & 0xc0 != 0x80 {
        let cost = isGap ? 2 : 1
        guard count + cost <= limit else { break }
        if isGap { result.append(ASCII.space) }
        count += cost
        isGap = false
      }
      result.append(octet)
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Drops tags, and what stands inside `<style>`, `<script>` and `<title>`.
  private static func withoutTags(_ html: String) -> String {
    var result: [UInt8] = []
    let octets = Array(html.utf8)
    var index = 0
    while index < octets.count {
      guard octets[index] == ASCII.less else {
        result.append(octets[index])
        index += 1
        continue
      }
      let name = octets[(index + 1)...].prefix(6).prefix { ASCII.isLetter($0) }.map(ASCII.lower)
      let end = octets.firstIndex(of: ASCII.greater, from: index) ?? octets.count
      index = end + 1
      result.append(ASCII.space)
      if let hidden = ["style", "script", "title"].first(where: { Array($0.utf8) == name }) {
        index = endOfElement(hidden, octets, from: min(index, octets.count))
      }
    }
    return decodeEntities(String(decoding: result, as: UTF8.self))
  }

  private static func endOfElement(_ name: String, _ octets: [UInt8], from start: Int) -> Int {
    var position = start
    while let next = octets.firstIndex(of: ASCII.less, from: position) {
      if next + 1 < octets.count, octets[next + 1] == ASCII.slash,
        ASCII.equalIgnoringCase(octets[(next + 2)...].prefix(name.utf8.count), name.utf8)
      {
        return next
      }
      position = next + 1
    }
    return octets.count
  }

  private static func decodeEntities(_ text: String) -> String {
    guard text.utf8.contains(ASCII.ampersand) else { return text }
    var result = text
    let pairs = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    for (entity, character) in pairs { result = result.replacing(entity, with: character) }
    return result
  }
}
