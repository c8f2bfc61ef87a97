-- Tokens for nginx, on OpenSSL by LuaJIT's FFI: signature, issuer and time are checked, two claims go into variables.
-- What can be made once is made in setup; with `cache` good tokens are remembered, as Gatehouse does.
local ffi = require "ffi"
local cjson = require "cjson"
local base64 = require "ngx.base64"
local lrucache = require "resty.lrucache"

ffi.cdef[[
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct hmac_ctx_st HMAC_CTX;
const EVP_MD *EVP_sha256(void);
HMAC_CTX *HMAC_CTX_new(void);
int HMAC_Init_ex(HMAC_CTX *, const void *, int, const EVP_MD *, void *);
int HMAC_Update(HMAC_CTX *, const char *, size_t);
int HMAC_Final(HMAC_CTX *, unsigned char *, unsigned int *);
int CRYPTO_memcmp(const void *, const void *, size_t);
void *BIO_new_mem_buf(const char *, int);
EVP_PKEY *PEM_read_bio_PUBKEY(void *, void *, void *, void *);
EVP_MD_CTX *EVP_MD_CTX_new(void);
int EVP_DigestVerifyInit(EVP_MD_CTX *, void *, const EVP_MD *, void *, EVP_PKEY *);
int EVP_DigestVerify(EVP_MD_CTX *, const char *, size_t, const char *, size_t);
]]
local C = ffi.C

local jwt = {}
local algorithm, verify, remembered

local function hmac(secret)
  local context, mac = C.HMAC_CTX_new(), ffi.new("unsigned char[32]")
  assert(C.HMAC_Init_ex(context, secret, #secret, C.EVP_sha256(), nil) == 1)
  return function(text, signature)
    C.HMAC_Init_ex(context, nil, 0, nil, nil)
    C.HMAC_Update(context, text, #text)
    C.HMAC_Final(context, mac, nil)
    return #signature == 32 and C.CRYPTO_memcmp(mac, signature, 32) == 0
  end
end

local function der_integer(octets)
  octets = octets:gsub("^%z+", "")
  if octets == "" or octets:byte() >= 128 then octets = "\0" .. octets end
  return "\2" .. string.char(#octets) .. octets
end

local function der_of_pair(signature)
  local both = der_integer(signature:sub(1, 32)) .. der_integer(signature:sub(33))
  return "\48" .. string.char(#both) .. both
end

local function public(path)
  local file = assert(io.open(path))
  local pem = file:read("*a")
  file:close()
  local key = C.PEM_read_bio_PUBKEY(C.BIO_new_mem_buf(pem, #pem), nil, nil, nil)
  assert(key ~= nil)
  local context = C.EVP_MD_CTX_new()
  local digest = algorithm ~= "EdDSA" and C.EVP_sha256() or nil
  return function(text, signature)
    if algorithm == "ES256" then
      if #signature ~= 64 then return false end
      signature = der_of_pair(signature)
    end
    return C.EVP_DigestVerifyInit(context, nil, digest, nil, key) == 1 and
           C.EVP_DigestVerify(context, signature, #signature, text, #text) == 1
  end
end

function jwt.setup(name, key, cache)
  algorithm = name
  verify = name == "HS256" and hmac(key) or public(key)
  remembered = cache and assert(lrucache.new(10000)) or nil
end

local function decode(part)
  local text = base64.decode_base64url(part)
  local good, value = pcall(cjson.decode, text)
  return good and type(value) == "table" and value or nil
end

local function claims_of(token)
  local dot = token:find(".", 1, true)
  local second = dot and token:find(".", dot + 1, true)
  if not second then return nil end
  local head = decode(token:sub(1, dot - 1))
  if not head or head.alg ~= algorithm then return nil end
  local signature = base64.decode_base64url(token:sub(second + 1))
  if not signature or not verify(token:sub(1, second - 1), signature) then return nil end
  local claims = decode(token:sub(dot + 1, second - 1))
  return claims and claims.iss == "shop-app" and claims or nil
end

function jwt.check()
  local field = ngx.var.http_authorization
  if not field or field:sub(1, 7) ~= "Bearer " then return ngx.exit(401) end
  local token = field:sub(8)
  local claims = remembered and remembered:get(token)
  if not claims then
    claims = claims_of(token)
    if not claims then return ngx.exit(401) end
    if remembered then remembered:set(token, claims) end
  end
  if (claims.exp or 0) <= ngx.time() then return ngx.exit(401) end
  local var = ngx.var
  var.consumer, var.user_id, var.user_role = claims.iss, claims.sub, claims.role
end

return jwt
