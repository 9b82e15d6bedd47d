import Basics
import Glibc
import Testing

@Suite struct DirectoryNamesTests {
  @Test func namesOfEveryLength() throws {
    let folder = "/tmp/martinet-names-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    #expect(mkdir(folder, 0o700) == 0)
    // As many as fill several of the system's blocks, the longest name included.
    let made = (1...255).map { String(repeating: "n", count: $0) }
    for name in made { close(open("\(folder)/\(name)", O_CREAT | O_WRONLY, 0o600)) }
    defer {
      for name in made { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
    let found = try #require(DirectoryNames.list(folder))
    #expect(found.sorted() == made.sorted())
    #expect(DirectoryNames.list(folder) { $0.utf8.count < 3 }?.sorted() == ["n", "nn"])
    #expect(DirectoryNames.list(folder, most: 7)?.count == 7)
    #expect(DirectoryNames.list(folder, most: 0) == [])
    #expect(DirectoryNames.list(folder + "/missing") == nil && errno == ENOENT)
  }
}
